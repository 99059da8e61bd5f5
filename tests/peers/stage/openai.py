"""OpenAI's side: baresip, which answers over SIP/TLS, speaks a WAV file and records what it hears."""

import json
import os
import socket

from . import sound
from .places import HERE, OPENAI, OPENAI_CONTROL, OPENAI_RTP, OPENAI_SIP, OPENAI_TLS
from .program import Program
from .waiting import listening, until

PROJECT = "proj_test"
# baresip hangs up by itself when its file ends; no call here lasts so long.
LONGEST_CALL_S = 60
# It starts RTP with its 200 OK, and the call is up when that was read and passed on.
BREATH_S = 0.3
MODULES = ["/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules", "/usr/local/lib/baresip/modules"]


class OpenAi(Program):
    def __init__(self, folder, certificate, authority, says, answers=True, formats=("pcmu",), encryption=None):
        home = folder / "openai"
        self.recordings = home / "heard"
        self.recordings.mkdir(parents=True)
        speech = home / "says.wav"
        breath, silence = ([0] * int(seconds * sound.RATE) for seconds in (BREATH_S, LONGEST_CALL_S))
        sound.write_wav(speech, breath + list(says) + silence)
        self._write_config(home, certificate, authority, speech, answers, formats, encryption)
        command = ["baresip", "-4", "-f", home, "-s", "-v"]
        super().__init__("OpenAI's side (baresip)", command, folder / "openai.log", cwd=home)
        self.control = None
        self.buffer = b""
        self.events = []
        # The keys it was told of, by RFC 4733.
        self.digits = []
        self.wait_up(_listens)
        self.control = socket.create_connection((OPENAI, OPENAI_CONTROL), timeout=5)
        self.control.setblocking(False)

    def _write_config(self, home, certificate, authority, speech, answers, formats, encryption):
        modules = next((path for path in MODULES if os.path.isdir(path)), MODULES[0])
        text = (HERE / "baresip" / "config").read_text()
        values = {
            "ADDRESS": OPENAI,
            "SIP": f"{OPENAI}:{OPENAI_SIP}",
            "CONTROL": f"{OPENAI}:{OPENAI_CONTROL}",
            "RTP": OPENAI_RTP,
            "CERTIFICATE": certificate,
            "AUTHORITY": authority,
            "SPEECH": speech,
            "RECORDINGS": self.recordings,
            "MODULES": modules,
        }
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (home / "config").write_text(text)
        mode = "auto" if answers else "manual"
        codecs = ",".join(name.upper() for name in formats)
        account = f"<sip:{PROJECT}@{OPENAI}:{OPENAI_TLS};transport=tls>;regint=0;answermode={mode};audio_codecs={codecs};ptime=20"
        if encryption:
            account += f";mediaenc={encryption}"
        (home / "accounts").write_text(account + "\n")

    def hang_up(self):
        self._order("hangup")

    def dial(self, digits):
        """Presses keys, by RFC 4733."""
        self._order("sndcode", digits)

    def _order(self, command, params=""):
        message = json.dumps({"command": command, "params": params, "token": "1"}).encode()
        self.control.sendall(b"%d:%s," % (len(message), message))

    def wait_event(self, kind, seconds=10):
        """Waits for one of baresip's events: CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED."""
        until(f"baresip's {kind}", lambda: kind in self.seen_events(), seconds)

    def seen_events(self):
        """Its events so far."""
        try:
            while read := self.control.recv(65_536):
                self.buffer += read
        except BlockingIOError:
            pass
        # Netstrings: "LENGTH:JSON,".
        while b":" in self.buffer:
            length, rest = self.buffer.split(b":", 1)
            if len(rest) <= int(length):
                break
            message = json.loads(rest[: int(length)])
            self.buffer = rest[int(length) + 1 :]
            if message.get("event"):
                self.events.append(message["type"])
                if message["type"] == "CALL_DTMF_START":
                    self.digits.append(message["param"])
        return self.events

    def wait_heard(self, samples, seconds=30):
        """Waits until it has recorded so much; a tenth of a second less, for its jitter buffer."""

        def enough():
            self.alive()
            files = self._recorded()
            # 16 bits a sample, after a header of 44 bytes.
            return files and files[0].stat().st_size >= 2 * (samples - sound.RATE // 10)

        until(f"baresip to hear {samples / sound.RATE:.1f} s", enough, seconds)

    def heard(self):
        """What it heard; ends baresip, so that all of it is written."""
        self.stop()
        files = self._recorded()
        assert len(files) == 1, f"baresip recorded {len(files)} calls"
        return sound.read_wav(files[0])

    def heard_nothing(self):
        return not self._recorded()

    def _recorded(self):
        return list(self.recordings.glob("dump-*-dec.wav"))


def _listens():
    ports = (("tcp", OPENAI_TLS), ("udp", OPENAI_SIP), ("tcp", OPENAI_CONTROL))
    return all(listening(protocol, OPENAI, port) for protocol, port in ports)
