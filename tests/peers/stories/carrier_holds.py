"""The carrier holds and resumes by re-INVITE: each is answered, OpenAI hears silence meanwhile and is told nothing."""

from stage import sound
from stage.speech import answer

NEEDS_GATEWAY = True
# What the scenario talks, holds and talks again.
CALL_S = 3.5


def story(stage):
    with stage.scene("carrier-holds") as scene:
        openai = scene.openai(says=answer("pcmu"))
        scene.call("hold_and_resume").finish()
        openai.wait_event("CALL_CLOSED")
        heard = len(openai.heard()) / sound.RATE
    record = stage.gateway.next_record()
    assert (record["result"], record["reason"]) == ("completed", "carrier_hangup"), record
    events = [event["event"] for event in record["events"]]
    assert events.count("held") == 1 and events.count("resumed") == 1, record
    assert heard > CALL_S - 0.5, f"OpenAI heard {heard:.1f} s of {CALL_S} s"
    return f"OpenAI heard {heard:.1f} s, silence where the carrier held"
