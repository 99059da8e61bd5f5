"""The carrier as PJSIP, over TLS and SRTP."""

import sys

from . import sound
from .places import CARRIER, CARRIER_SIP, HERE
from .program import Program


class Talker(Program):
    """Calls `uri`, says `says` and hangs up `seconds` after the answer."""

    def __init__(self, folder, uri, authority, suite, says, seconds):
        speech, self.recording = folder / "carrier-says.wav", folder / "carrier-heard.wav"
        sound.write_wav(speech, says)
        command = [sys.executable, HERE / "pjsua" / "talker.py", f"{CARRIER}:{CARRIER_SIP}", uri, authority, suite]
        command += [speech, self.recording, seconds]
        super().__init__("the carrier (PJSIP)", command, folder / "carrier.log", cwd=folder)

    def heard(self):
        return sound.read_wav(self.recording)
