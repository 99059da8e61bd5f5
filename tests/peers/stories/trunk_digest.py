"""A trunk with a password: SIPp, and Kamailio for it, answer the challenge; with a wrong one it gets 403."""

from stage.gateway import PASSWORD
from stage.speech import answer

from .carrier_hangs_up import ended

VERDICTS = "squelch_sip_digest_total"


def story(stage):
    # Neither SIPp 3.6 nor Kamailio 5.6's uac_auth knows a hash but MD5.
    digest = 'username = "carrier"\npassword_env = "PEER_PASSWORD"\nrealm = "squelch.test"\ndigest = ["md5"]'
    with stage.scene("trunk-digest") as scene:
        gateway = scene.gateway(trunk=digest)
        openai = scene.openai(says=answer("pcmu"))
        scene.call("digest_call", credentials=("carrier", PASSWORD), gateway=gateway).finish()
        openai.wait_event("CALL_CLOSED")
        ended(gateway.next_record(), "completed", "carrier_hangup")
        assert gateway.metric(VERDICTS, verdict="missing") == 1
        assert gateway.metric(VERDICTS, verdict="right") == 1

    with stage.scene("trunk-digest-proxy") as scene:
        gateway = scene.gateway(trunk=digest)
        openai = scene.openai(says=answer("pcmu"))
        edge = scene.carrier_edge(gateway)
        scene.call("plain_call", gateway=gateway, through_edge=True).finish()
        openai.wait_event("CALL_CLOSED")
        ended(gateway.next_record(), "completed", "carrier_hangup")
        assert edge.said("proxy: answered for the caller")
        assert gateway.metric(VERDICTS, verdict="right") == 1

    with stage.scene("trunk-digest-wrong") as scene:
        gateway = scene.gateway(trunk=digest)
        openai = scene.openai(says=answer("pcmu"))
        scene.call("digest_refused", credentials=("carrier", "guess"), gateway=gateway).finish()
        assert "CALL_INCOMING" not in openai.seen_events()
        ended(gateway.next_record(), "rejected", "bad_credentials")
        assert gateway.metric(VERDICTS, verdict="wrong") == 1
        told = gateway.log.read_text(errors="replace") + gateway.get("/metrics")
        assert PASSWORD not in told, "the password was told"


NEEDS_GATEWAY = True
