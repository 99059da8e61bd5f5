"""OpenAI's side asks for a transfer: PJSIP takes it and calls the number, OpenAI is told of each step."""

from stage import transferred
from stage.places import CARRIER, SQUELCH_SIP
from stage.stage import CALLED

NEEDS_GATEWAY = True


def story(stage):
    with stage.scene("transfer") as scene:
        gateway = scene.gateway(trunk='transfer = ["+1415*"]')
        number = scene.programs.enter_context(transferred.Number(scene.folder))
        openai = scene.openai_scenario("openai_refers")
        uri = f"sip:{CALLED}@{gateway.here}:{SQUELCH_SIP}"
        caller = scene.programs.enter_context(transferred.Transferred(scene.folder, uri))
        openai.finish()
        assert caller.finish(20) == 0, caller.tail()
        asked = [line["to"] for line in caller.told("refer")]
        assert asked == [f"<sip:+14155550100@{CARRIER}>"], asked
        called = number.messages.read_text(errors="replace")
        assert f"INVITE sip:+14155550100@{CARRIER} SIP/2.0" in called, called[:400]
        record = gateway.next_record()
        assert (record["result"], record["reason"]) == ("completed", "transferred"), record
        events = [event["event"] for event in record["events"]]
        assert events[-3:] == ["transfer_asked", "transfer_taken", "transfer_done"], record
        assert gateway.metric("squelch_sip_transfers_total", verdict="transferred") == 1

    with stage.scene("transfer-refused") as scene:
        openai = scene.openai_scenario("openai_is_refused_a_transfer")
        scene.call("quiet_till_hung_up").finish()
        openai.finish()
        record = stage.gateway.next_record()
        assert (record["result"], record["reason"]) == ("completed", "openai_hangup"), record
