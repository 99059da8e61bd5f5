"""OpenAI's side as SIPp plays it: what baresip never does. Over UDP, squelch's second route."""

import shutil

from .places import OPENAI, OPENAI_SCENARIO_RTP, OPENAI_SCENARIO_SIP, SCENARIOS
from .program import Program
from .waiting import listening


class OpenAiScenario(Program):
    """Calls, one unless told otherwise. SIPp ends with 0 when all of the scenario came to pass."""

    def __init__(self, folder, scenario, capture=None, count=1):
        self.errors = folder / "openai.errors"
        if capture:
            shutil.copy(capture, folder / "speech.pcap")
        command = ["sipp", "-sf", SCENARIOS / f"{scenario}.xml"]
        command += ["-i", OPENAI, "-p", OPENAI_SCENARIO_SIP, "-mi", OPENAI, "-mp", OPENAI_SCENARIO_RTP]
        command += ["-t", "u1", "-m", count, "-nostdin", "-timeout", "40s", "-timeout_error"]
        command += ["-trace_msg", "-message_file", folder / "openai.messages", "-trace_err", "-error_file", self.errors]
        super().__init__("OpenAI's side (SIPp)", command, folder / "openai.log", cwd=folder)
        self.wait_up(lambda: listening("udp", OPENAI, OPENAI_SCENARIO_SIP))

    def finish(self, seconds=30):
        code = super().finish(seconds)
        told = self.errors.read_text(errors="replace") if self.errors.exists() else self.tail()
        assert code == 0, f"OpenAI's scenario failed ({code})\n{told[:2000]}"
