"""SRTP: baresip demands it of squelch's offer, PJSIP offers it over TLS; speech both ways."""

from stage import sound
from stage.places import SQUELCH_TLS
from stage.score import score
from stage.speech import answer, both_ways
from stage.stage import CALLED, CALLER_SPEAKS
from stage.talker import Talker
from stories.carrier_hangs_up import ended, untouched

NEEDS_GATEWAY = True

# PJSIP as packaged for Python knows no GCM; libsrtp2 stands for it in tests/media.
SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
# Longer than either side speaks, and than PJSIP needs to begin.
TALK_S = 7


def story(stage):
    told = [plain_carrier(stage)]
    told += [both_legs(stage, suite) for suite in SUITES]
    refused(stage)
    return "; ".join(told)


def plain_carrier(stage):
    """RTP from the carrier, SRTP to OpenAI."""
    with stage.scene("encrypted-openai") as scene:
        gateway = scene.gateway(srtp="prefer")
        openai = scene.openai(says=answer("pcmu"), encryption="srtp-mand")
        capture = scene.capture()
        scene.call("talk_and_hang_up", speaks="pcmu", gateway=gateway).finish()
        openai.wait_event("CALL_CLOSED")
        heard = both_ways(openai, capture, carrier_law="pcmu")
        record = gateway.next_record()
        ended(record, "completed", "carrier_hangup")
        untouched(record, "pcmu")
        assert [record["legs"][leg]["srtp"] for leg in ("carrier", "openai")] == [False, True], record
        assert gateway.metric("squelch_rtp_dropped_packets_total", leg="openai", reason="authentication") == 0
    return heard


def both_legs(stage, suite):
    """SRTP from PJSIP with `suite`, SRTP to baresip; a capture holds no speech."""
    with stage.scene(f"encrypted-{suite}") as scene:
        gateway = scene.gateway(srtp="prefer", trunk='srtp = "require"')
        openai = scene.openai(says=answer("pcmu"), encryption="srtp-mand")
        _, said, _ = sound.of_capture(CALLER_SPEAKS["pcmu"])
        said = said[: 5 * sound.RATE]
        uri = f"sip:{CALLED}@{gateway.here}:{SQUELCH_TLS};transport=tls"
        talker = Talker(scene.folder, uri, stage.authority.certificate, suite, said, TALK_S)
        caller = scene.programs.enter_context(talker)
        assert caller.finish(40) == 0, caller.tail()
        openai.wait_event("CALL_CLOSED")
        record = gateway.next_record()
        ended(record, "completed", "carrier_hangup")
        assert [record["legs"][leg]["srtp"] for leg in ("carrier", "openai")] == [True, True], record
        assert record["guard"]["faults"] == [], record
        for leg in ("carrier", "openai"):
            for reason in ("authentication", "replay"):
                dropped = gateway.metric("squelch_rtp_dropped_packets_total", leg=leg, reason=reason)
                assert dropped == 0, f"{leg}: {dropped} {reason}"
        to_openai = score(said, sound.through("pcmu", said), openai.heard())
        replied = answer("pcmu")
        best = sound.through("pcmu", sound.through("pcmu", replied))
        to_carrier = score(replied, best, caller.heard())
        told = f"{suite}: to OpenAI {to_openai}; to the carrier {to_carrier}"
        assert to_openai.good and to_carrier.good, told
    return told


def refused(stage):
    """Plain RTP where SRTP is required: 488, and OpenAI hears of nothing."""
    with stage.scene("encrypted-refused") as scene:
        gateway = scene.gateway(trunk='srtp = "require"')
        openai = scene.openai(says=answer("pcmu"))
        carrier = scene.call("refused_488", gateway=gateway)
        carrier.finish()
        record = gateway.next_record()
        ended(record, "rejected", "srtp")
        assert openai.heard_nothing()
