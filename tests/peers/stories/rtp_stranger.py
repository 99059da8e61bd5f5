"""A stranger sends RTP into a call from the first packet on: dropped, by squelch or the kernel, unheard, and nothing goes to it."""

import socket
import struct
import threading

from stage.places import SQUELCH, STRANGER
from stage.speech import answer, both_ways
from stage.waiting import until

from .carrier_hangs_up import ended, untouched

DROPPED = "squelch_rtp_dropped_packets_total"
# More than a call here has time for.
MOST = 3_000


def story(stage):
    def dropped(leg):
        return stage.gateway.metric(DROPPED, leg=leg, reason="source")

    before = {leg: dropped(leg) for leg in ("carrier", "openai")}
    with stage.scene("rtp-stranger") as scene, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((STRANGER, 0))
        openai = scene.openai(says=answer("pcmu"))
        capture = scene.capture()
        carrier = scene.call("talk_and_hang_up", speaks="pcmu")
        port = until("squelch's answer", carrier.told_port, 10)
        over, sent = threading.Event(), []
        noise = threading.Thread(target=send_noise, args=(stranger, port, over, sent))
        noise.start()
        try:
            carrier.finish()
        finally:
            over.set()
            noise.join()
        told = both_ways(openai, capture, carrier_law="pcmu")
        stranger.setblocking(False)
        assert nothing(stranger), "audio went to the stranger"
    record = stage.gateway.next_record()
    ended(record, "completed", "carrier_hangup")
    untouched(record, "pcmu")
    counted = dropped("carrier") - before["carrier"]
    # Those that come before the carrier is heard are counted; from then on the socket is connected, and the kernel drops them.
    assert len(sent) > 100 and counted <= len(sent), f"{counted:.0f} of {len(sent)} packets counted as dropped"
    assert dropped("openai") == before["openai"]
    return f"{told}; {len(sent)} packets of a stranger, {counted:.0f} of them counted"


def send_noise(stranger, port, over, sent):
    """Loud packets, one every 20 ms as a phone would send them."""
    for number in range(MOST):
        header = struct.pack(">BBHII", 0x80, 0, number, 160 * number, 0x5747_3A6E)
        stranger.sendto(header + bytes((0x00, 0x80)) * 80, (SQUELCH, port))
        sent.append(number)
        if over.wait(0.02):
            return


def nothing(stranger):
    try:
        stranger.recv(4096)
    except BlockingIOError:
        return True
    return False


NEEDS_GATEWAY = True
