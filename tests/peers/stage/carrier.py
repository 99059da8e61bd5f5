"""The carrier: SIPp with a scenario, playing a capture."""

import re
import shutil

from .places import CARRIER, CARRIER_RTP, CARRIER_SIP, SCENARIOS
from .program import Program

CALLER = "+15551230001"


class Carrier(Program):
    """Calls, one unless told otherwise. SIPp ends with 0 when all of the scenario came to pass."""

    def __init__(
        self, folder, scenario, target, called, transport="udp", capture=None, talk_ms=0, credentials=None, count=1, rate=10
    ):  # fmt: skip
        self.messages = folder / "carrier.messages"
        self.errors = folder / "carrier.errors"
        if capture:
            # SIPp looks for the capture in its own folder; the scenarios name it so.
            shutil.copy(capture, folder / "speech.pcap")
        host, port = target
        command = ["sipp", f"{host}:{port}", "-sf", SCENARIOS / f"{scenario}.xml"]
        command += ["-s", called, "-key", "from", CALLER, "-t", {"udp": "u1", "tcp": "t1"}[transport]]
        command += ["-i", CARRIER, "-p", CARRIER_SIP, "-mi", CARRIER, "-mp", CARRIER_RTP]
        command += ["-m", count, "-r", rate, "-d", talk_ms, "-nostdin", "-timeout", "40s", "-timeout_error"]
        if credentials:
            username, password = credentials
            command += ["-au", username, "-ap", password]
        command += ["-trace_msg", "-message_file", self.messages, "-trace_err", "-error_file", self.errors]
        super().__init__("the carrier (SIPp)", command, folder / "carrier.log", cwd=folder)

    def finish(self, seconds=30):
        code = super().finish(seconds)
        assert code == 0, f"the carrier's scenario failed ({code})\n{self.complaints()}"

    def told_port(self):
        """The RTP port in the answer it was given; nothing before that."""
        told = self.messages.read_text(errors="replace") if self.messages.exists() else ""
        _, _, answered = told.partition("SIP/2.0 200 OK")
        found = re.search(r"^m=audio (\d+)", answered, re.MULTILINE)
        return int(found[1]) if found else None

    def complaints(self):
        told = self.errors.read_text(errors="replace") if self.errors.exists() else self.tail()
        return told[:2000]
