"""A call over TCP, PCMA from the carrier, PCMU to OpenAI; OpenAI hangs up, on a connection of its own."""

from stage import sound
from stage.speech import answer, both_ways
from stage.stage import CALLER_SPEAKS

from .carrier_hangs_up import ended, untouched


def story(stage):
    # baresip takes SIP over TLS or UDP alone: without a gateway, UDP.
    transport = "tcp" if stage.gateway else "udp"
    with stage.scene("openai-hangs-up") as scene:
        openai = scene.openai(says=answer("pcma"))
        capture = scene.capture()
        carrier = scene.call("talk_till_hung_up", transport, speaks="pcma")
        _, said, _ = sound.of_capture(CALLER_SPEAKS["pcma"])
        openai.wait_heard(len(said))
        openai.hang_up()
        carrier.finish()
        law_there = "pcmu" if stage.gateway else "pcma"
        told = both_ways(openai, capture, "pcma", law_there)
    if stage.gateway:
        record = stage.gateway.next_record()
        ended(record, "completed", "openai_hangup")
        untouched(record, "pcma")
    return told
