"""Healthy after it all; SIGTERM ends squelch with 0, and every call has its one record."""

from stage.places import SQUELCH, SQUELCH_SIP
from stage.waiting import listening


def story(stage):
    gateway = stage.gateway
    assert gateway.status("/healthz") == 200
    assert gateway.metric("squelch_calls_active") == 0
    ended = gateway.metric("squelch_calls_total")
    assert ended == gateway.seen, f"{gateway.seen} calls, {ended} on /metrics"

    code = gateway.terminate()
    assert code == 0, f"squelch ended with {code} at SIGTERM\n{gateway.tail()}"
    assert not listening("udp", SQUELCH, SQUELCH_SIP)
    records = gateway.records()
    assert len(records) == gateway.seen, f"{gateway.seen} calls, {len(records)} records"
    assert len({record["id"] for record in records}) == len(records), "two records have one id"
    return f"{len(records)} records"


NEEDS_GATEWAY = True
