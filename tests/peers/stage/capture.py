"""All that goes over the loopback interface, kept in a file."""

import re

from .program import Program


class Capture(Program):
    def __init__(self, folder):
        self.file = folder / "all.pcapng"
        # A large buffer: the suite shares its cores.
        command = ["dumpcap", "-i", "lo", "-q", "-B", "16", "-w", self.file]
        super().__init__("dumpcap", command, folder / "capture.log")
        self.wait_up(lambda: self.said("File: "))

    def finish(self):
        """Ends the capture; the file, which must be whole."""
        self.stop()
        dropped = re.search(r"received/dropped on interface .*?: \d+/(\d+)", self.log.read_text())
        assert dropped and dropped[1] == "0", f"the capture has holes\n{self.tail()}"
        return self.file
