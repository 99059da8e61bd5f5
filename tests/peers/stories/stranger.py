"""A stranger, in no trunk, calls over UDP and TCP: no answer, counted, no record."""

import socket

from stage.places import SQUELCH, SQUELCH_SIP, STRANGER
from stage.waiting import until

STRANGERS = "squelch_sip_strangers_total"
INVITE = """\
INVITE sip:+15559870000@{squelch}:{port} SIP/2.0
Via: SIP/2.0/{transport} {stranger}:5060;rport;branch=z9hG4bK-stranger-{transport}
Max-Forwards: 70
From: <sip:100@{stranger}>;tag=1
To: <sip:+15559870000@{squelch}>
Call-ID: stranger-{transport}
CSeq: 1 INVITE
Contact: <sip:100@{stranger}:5060>
User-Agent: friendly-scanner
Content-Length: 0

"""


def story(stage):
    gateway = stage.gateway
    assert STRANGERS in gateway.get("/metrics"), f"/metrics has no {STRANGERS}"
    before = gateway.metric(STRANGERS)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((STRANGER, 5060))
        udp.sendto(invite("UDP"), (SQUELCH, SQUELCH_SIP))
        until("the datagram to be counted", lambda: gateway.metric(STRANGERS) == before + 1, 5)
        with stage.scene("stranger") as scene:
            # What the carrier asks later is answered: an answer to the stranger would be here by now.
            scene.call("options").finish()
        udp.setblocking(False)
        assert nothing(udp.recv), "the stranger got an answer"

    with socket.create_connection((SQUELCH, SQUELCH_SIP), 5, (STRANGER, 0)) as tcp:
        try:
            tcp.sendall(invite("TCP"))
        except ConnectionError:
            pass  # closed already
        assert nothing(tcp.recv), "the stranger got an answer"
    until("the connection to be counted", lambda: gateway.metric(STRANGERS) == before + 2, 5)

    assert len(gateway.records()) == gateway.seen, "the stranger's call has a record"


def invite(transport):
    text = INVITE.format(squelch=SQUELCH, port=SQUELCH_SIP, stranger=STRANGER, transport=transport)
    return text.replace("\n", "\r\n").encode()


def nothing(receive):
    """Whether nothing comes: no datagram, or a connection that is closed."""
    try:
        return receive(4096) == b""
    except (BlockingIOError, ConnectionError):
        return True


NEEDS_GATEWAY = True
