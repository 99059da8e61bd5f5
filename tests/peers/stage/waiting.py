"""Waiting for something to be so, with an end to it."""

import time


class TooLate(AssertionError):
    """What was waited for did not happen in time."""


def until(what, condition, seconds):
    """The first true value of `condition()`; looks a hundred times a second.

    `what` is told when it never comes.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TooLate(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def listening(protocol, address, port):
    """Whether a socket of this machine is bound there, as the kernel tells."""
    octets = "".join(f"{int(octet):02X}" for octet in reversed(address.split(".")))
    # 0A is LISTEN; a bound UDP socket is 07.
    state = {"tcp": "0A", "udp": "07"}[protocol]
    with open(f"/proc/net/{protocol}") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return any(row[1] == f"{octets}:{port:04X}" and row[3] == state for row in rows)
