"""Kamailio spreads the carrier's calls over two squelch by UDP, TCP and TLS; one is stopped on the way: no call is lost."""

from stage.places import EDGE, SECOND, SQUELCH
from stage.waiting import until

NEEDS_GATEWAY = True
CALLS = 60
A_SECOND = 10
HOLD_MS = 1_000


def story(stage):
    told = [over(stage, transport) for transport in ("udp", "tcp", "tls")]
    return "; ".join(told)


def over(stage, transport):
    first = stage.gateway
    with stage.scene(f"dispatcher-{transport}") as scene:
        second = scene.gateway(drain="10s")
        openai = scene.openai_scenario("openai_rings_and_answers", count=CALLS)
        scene.dispatcher([SECOND, SQUELCH], transport)
        carrier = scene.calls("quiet_call", (EDGE, 5060), CALLS, A_SECOND, HOLD_MS)
        # In the midst of it, calls up on both.
        until("calls on both", lambda: len(second.records()) > CALLS // 6, 20)
        code = second.terminate()
        assert code == 0, f"the second squelch ended with {code}\n{second.tail()}"
        carrier.finish(60)
        openai.finish()
        of_second = second.records()
    until("all records", lambda: len(first.records()) - first.seen >= CALLS - len(of_second), 10)
    of_first = first.records()[first.seen :]
    first.seen += len(of_first)
    ended = [(record["result"], record["reason"]) for record in of_first + of_second]
    good = ended.count(("completed", "carrier_hangup"))
    # A call that the stopping one turned away with 503 came up on the other, and each wrote a record.
    turned_away = ended.count(("rejected", "draining"))
    assert good == CALLS and good + turned_away == len(ended), ended
    assert of_first and of_second, "one of them had no call"
    return f"{transport}: {len(of_first)} and {len(of_second)} records, {turned_away} turned away"

