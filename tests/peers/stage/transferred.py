"""The carrier whose call is transferred: PJSIP, with SIPp for the number that it is sent to."""

import json
import sys

from .places import CARRIER, CARRIER_SIP, CARRIER_TARGET_SIP, HERE
from .program import Program
from .waiting import listening


class Transferred(Program):
    """A caller of PJSIP's; it ends when it is hung up on."""

    def __init__(self, folder, uri):
        command = [sys.executable, HERE / "pjsua" / "carrier.py", f"{CARRIER}:{CARRIER_SIP}", uri]
        super().__init__("the carrier (PJSIP)", command, folder / "carrier.log", cwd=folder)

    def told(self, event):
        """What it said of such events."""
        lines = self.log.read_text(errors="replace").splitlines()
        told = [json.loads(line) for line in lines if line.startswith('{"event"')]
        return [line for line in told if line["event"] == event]


class Number(Program):
    """Answers one call, as SIPp's own UAS does."""

    def __init__(self, folder):
        command = ["sipp", "-sn", "uas", "-i", CARRIER, "-p", CARRIER_TARGET_SIP, "-mi", CARRIER]
        command += ["-m", "1", "-nostdin", "-timeout", "40s"]
        command += ["-trace_msg", "-message_file", folder / "number.messages"]
        super().__init__("the number (SIPp)", command, folder / "number.log", cwd=folder)
        self.messages = folder / "number.messages"
        self.wait_up(lambda: listening("udp", CARRIER, CARRIER_TARGET_SIP))
