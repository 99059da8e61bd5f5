"""The carrier as PJSIP, over TLS and SRTP."""

import json
import sys

from . import sound
from .places import CARRIER, CARRIER_SIP, HERE
from .program import Program


class Talker(Program):
    """Calls `uri`, says `says` and hangs up `seconds` after the answer. `steps` come between: (seconds, what)."""

    def __init__(self, folder, uri, authority, suite, says, seconds, law="pcmu", steps=()):
        speech, self.recording = folder / "carrier-says.wav", folder / "carrier-heard.wav"
        sound.write_wav(speech, says)
        command = [sys.executable, HERE / "pjsua" / "talker.py", f"{CARRIER}:{CARRIER_SIP}", uri, authority, suite]
        command += [law.upper(), speech, self.recording, seconds]
        command += [f"{at}:{what}" for at, what in steps]
        super().__init__("the carrier (PJSIP)", command, folder / "carrier.log", cwd=folder)

    def told(self, event):
        """What it told of so far."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.startswith('{"event"')]
        told = [json.loads(line) for line in lines]
        return [one for one in told if one["event"] == event]

    def heard(self):
        return sound.read_wav(self.recording)
