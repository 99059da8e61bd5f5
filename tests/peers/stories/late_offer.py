"""A carrier that leaves the offer to squelch: speech both ways once its ACK has brought the answer."""

from stage.speech import answer, both_ways

NEEDS_GATEWAY = True


def story(stage):
    with stage.scene("late-offer") as scene:
        openai = scene.openai(says=answer("pcmu"))
        capture = scene.capture()
        scene.call("late_offer", speaks="pcmu").finish()
        openai.wait_event("CALL_CLOSED")
        told = both_ways(openai, capture, carrier_law="pcmu")
    record = stage.gateway.next_record()
    assert (record["result"], record["reason"]) == ("completed", "carrier_hangup"), record
    return told
