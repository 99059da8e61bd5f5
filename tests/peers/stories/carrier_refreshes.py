"""A carrier with session timers: settled in the 200, refreshed by UPDATE and by re-INVITE, nothing changed by either."""

from stage.speech import answer

NEEDS_GATEWAY = True


def story(stage):
    with stage.scene("carrier-refreshes") as scene:
        openai = scene.openai(says=answer("pcmu"))
        carrier = scene.call("refreshes")
        carrier.finish()
        openai.wait_event("CALL_CLOSED")
        told = carrier.messages.read_text(errors="replace")
    assert "Session-Expires: 90;refresher=uac" in told.partition("SIP/2.0 200 OK")[2], told[:2000]
    record = stage.gateway.next_record()
    assert (record["result"], record["reason"]) == ("completed", "carrier_hangup"), record
    assert not any(event["event"] in ("held", "session_changed", "change_refused") for event in record["events"]), record
