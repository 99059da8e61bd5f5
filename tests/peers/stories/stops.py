"""SIGTERM in the midst of a call: healthy until then, both sides are told, one record a call, exit code 0."""

from stage.places import SQUELCH, SQUELCH_SIP
from stage.speech import answer
from stage.waiting import listening

from .carrier_hangs_up import ended


def story(stage):
    gateway = stage.gateway
    with stage.scene("stops") as scene:
        openai = scene.openai(says=answer("pcma"))
        carrier = scene.call("talk_till_hung_up", speaks="pcma")
        openai.wait_heard(ONE_SECOND)
        assert gateway.status("/healthz") == 200
        assert gateway.metric("squelch_calls_active") == 1
        before = gateway.metric("squelch_calls_total")
        assert before == gateway.seen, f"{gateway.seen} calls, {before} on /metrics"

        code = gateway.terminate()
        assert code == 0, f"squelch ended with {code} at SIGTERM\n{gateway.tail()}"
        assert not listening("udp", SQUELCH, SQUELCH_SIP)
        carrier.finish()
        openai.wait_event("CALL_CLOSED")
    record = gateway.next_record()
    ended(record, "interrupted", "drained")
    records = gateway.records()
    assert len({record["id"] for record in records}) == len(records), "two records have one id"
    return f"{len(records)} records"


ONE_SECOND = 8_000
NEEDS_GATEWAY = True
