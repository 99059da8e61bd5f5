"""Static from OpenAI's side is on disk by itself, both sides of the guard; a recorded call can be read after kill -9."""

import json
import signal
import subprocess
import urllib.request

from stage import sound
from stage.gateway import PASSWORD
from stage.places import CARRIER, CARRIER_RTP, OPENAI, SAMPLES, SECOND
from stage.speech import answer
from stage.waiting import until
from stories.carrier_hangs_up import ended
from stories.static_is_muted import SPEECH, loud_ms

NEEDS_GATEWAY = True

TAP = {"more": '[guard]\non_static = []\nhang_up_after = "never"\n[tap]\npath = "captures"', "admin_token": 'token_env = "PEER_PASSWORD"'}


def story(stage):
    return "; ".join([fault(stage), killed(stage)])


def fault(stage):
    _, says, _ = sound.of_capture(SAMPLES / "static-seed.pcap")
    with stage.scene("captured-fault") as scene:
        gateway = scene.gateway(**TAP)
        scene.openai(says)
        scene.call("talk_and_hang_up", speaks="pcmu", gateway=gateway).finish()
        record = gateway.next_record()
        ended(record, "completed", "carrier_hangup")
        name = f"{record['id']}-1-g711_as_pcm16"
        told = [event["detail"] for event in record["events"] if event["event"] == "capture"]
        assert told == [f"{name}.pcap: 10 s before and 5 s after"], record
        folder = gateway.captures()
        until("the capture's last file", lambda: json.loads((folder / f"{name}.json").read_text())["complete"], 10)
        about = json.loads((folder / f"{name}.json").read_text())
        assert about["call"] == record["id"] and about["packets_lost"] == 0, about
        assert [one["fault"] for one in about["findings"]] == ["g711_as_pcm16"], about

        pcap = folder / f"{name}.pcap"
        streams = whole(pcap)
        legs = {"carrier": CARRIER, "openai": OPENAI}
        for leg, host in legs.items():
            ours = about["squelch"][leg]
            assert any(one == (ours.split(":")[0], ours.split(":")[1], host) for one in streams), (streams, about)
        _, heard, seen = sound.of_capture(pcap, (CARRIER, CARRIER_RTP))
        assert seen["missing"] == 0, seen
        command = [stage.binary, "inspect", "--format", "json", pcap]
        inspected = subprocess.run(command, capture_output=True, text=True)
        verdicts = [json.loads(line) for line in inspected.stdout.splitlines()]
        from_openai = [one for one in verdicts if one["destination"] == about["squelch"]["openai"]]
        assert [one["fault"] for one in from_openai] == ["g711_as_pcm16"], inspected.stdout

        came, went = (sound.read_wav(folder / f"{name}.{which}.wav") for which in ("from-openai", "to-carrier"))
        # The capture's clock is the call's; the static begins where OpenAI's side had spoken for so long.
        begins = int(from_openai[0]["first_packet_ms"]) * sound.RATE // 1000 + SPEECH
        came_ms, went_ms = loud_ms(came[begins:]), loud_ms(went[begins:])
        told = f"{came_ms} ms of static in the file of what came, {went_ms} ms in that of what went on"
        assert came_ms > 3_000 and went_ms <= 400, told
    return told


def killed(stage):
    """Recorded because somebody asked; the gateway dies in the midst of it."""
    with stage.scene("captured-killed") as scene:
        gateway = scene.gateway(**TAP)
        scene.openai(says=answer("pcmu"))
        carrier = scene.call("talk_and_hang_up", speaks="pcmu", gateway=gateway)
        token = {"Authorization": f"Bearer {PASSWORD}"}
        admin = f"http://127.0.0.1:{gateway.admin}"

        def order(path, method):
            request = urllib.request.Request(admin + path, method=method, headers=token)
            with urllib.request.urlopen(request, timeout=5) as answered:
                return json.loads(answered.read())

        until("a call that is up", lambda: [one["state"] for one in order("/calls", "GET")] == ["up"], 10)
        call = order("/calls", "GET")[0]["id"]
        file = gateway.captures() / order(f"/calls/{call}/record", "POST")["file"]
        until("two seconds of it", lambda: file.exists() and file.stat().st_size > 80_000, 10)
        gateway.stop(signal.SIGKILL)
        # It would wait for an answer to its BYE.
        carrier.stop(signal.SIGKILL)
        streams = whole(file)
        assert len(streams) == 4, streams
    return f"after kill -9 tshark reads {sum(streams.values())} packets"


def whole(pcap):
    """tshark finds no fault with the file; packets by source, port and destination, where squelch sends, or any."""
    fields = ["ip.src", "udp.srcport", "ip.dst", "udp.dstport"]
    command = ["tshark", "-n", "-r", str(pcap), "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields"]
    command += [word for field in [*fields, "_ws.expert.message"] for word in ("-e", field)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0 and "cut short" not in run.stderr, run.stderr
    streams = {}
    for line in run.stdout.splitlines():
        source, port, destination, _, expert = (line.split("\t") + [""])[:5]
        assert not expert, line
        streams[source, port, destination] = streams.get((source, port, destination), 0) + 1
    assert {source for source, _, _ in streams} == {CARRIER, SECOND, OPENAI}, streams
    return streams
