"""One stage for all stories: certificates, the gateway (or nothing in its place), a folder a story."""

import contextlib

from . import edge, sound
from .capture import Capture
from .carrier import Carrier
from .certificates import Authority
from .dispatcher import Dispatcher
from .gateway import Gateway
from .openai import PROJECT, OpenAi
from .openai_scenario import OpenAiScenario
from .places import CARRIER, EDGE_SIP, OPENAI, OPENAI_SIP, SAMPLES, SECOND, SECOND_ADMIN, SECOND_RTP, SQUELCH, SQUELCH_SIP

CALLED = "+15559870000"
# What each side says: other speech each way, the answer shorter than the call.
CALLER_SPEAKS = {"pcmu": SAMPLES / "clean-pcmu.pcap", "pcma": SAMPLES / "clean-pcma.pcap"}
ANSWER_S = 5
# After the caller's last packet, before it hangs up.
PAUSE_MS = 300


class Stage:
    """With `binary` the gateway is in between; without, the peers speak to each other."""

    def __init__(self, folder, binary):
        self.folder = folder
        self.binary = binary
        certificates = folder / "certificates"
        certificates.mkdir()
        self.authority = Authority(certificates, "authority")
        self.foreign = Authority(certificates, "foreign")
        self.gateway = None
        if binary:
            certificate, key, _ = self.authority.sign("gateway")
            self.gateway = Gateway(binary, folder, certificate, key, self.authority.certificate)

    @contextlib.contextmanager
    def scene(self, name):
        """The peers of one story; all of them have ended when it ends."""
        folder = self.folder / name
        folder.mkdir()
        with contextlib.ExitStack() as programs:
            yield Scene(self, folder, programs)

    def close(self):
        if self.gateway:
            self.gateway.stop()


class Scene:
    def __init__(self, stage, folder, programs):
        self.stage = stage
        self.folder = folder
        self.programs = programs

    def openai(self, says, answers=True, authority=None, encryption=None):
        """baresip, ready to be called."""
        _, _, certificate = (authority or self.stage.authority).sign("openai")
        # Without a gateway to convert, it must take the carrier's law itself.
        formats = ("pcmu",) if self.stage.gateway else ("pcma", "pcmu")
        peer = OpenAi(self.folder, certificate, self.stage.authority.certificate, says, answers, formats, encryption)
        return self.programs.enter_context(peer)

    def openai_scenario(self, scenario, speaks=None, count=1):
        """SIPp in OpenAI's place: squelch comes to it when nobody listens at its first route."""
        peer = OpenAiScenario(self.folder, scenario, speaks and CALLER_SPEAKS[speaks], count)
        return self.programs.enter_context(peer)

    def dispatcher(self, squelches, transport):
        """Kamailio between the carrier and these squelches."""
        certificate, key, _ = self.stage.authority.sign("edge")
        edge = Dispatcher(self.folder, squelches, transport, certificate, key, self.stage.authority.certificate)
        return self.programs.enter_context(edge)

    def calls(self, scenario, target, count, rate, hold_ms):
        """SIPp, placing `count` calls one after the other."""
        peer = Carrier(self.folder, scenario, target, CALLED, talk_ms=hold_ms, count=count, rate=rate)
        return self.programs.enter_context(peer)

    def gateway(self, **changes):
        """A second gateway, of this story's own."""
        certificate, key, _ = self.stage.authority.sign("second")
        where = {"here": SECOND, "admin": SECOND_ADMIN, "rtp": SECOND_RTP}
        authority = changes.pop("authority", self.stage.authority.certificate)
        peer = Gateway(self.stage.binary, self.folder, certificate, key, authority, **where, **changes)
        return self.programs.enter_context(peer)

    def openai_edge(self):
        """Kamailio before SIPp in OpenAI's place."""
        return self.programs.enter_context(edge.before_openai(self.folder))

    def carrier_edge(self, gateway):
        """Kamailio between the carrier's callers and `gateway`."""
        return self.programs.enter_context(edge.of_the_carrier(self.folder, gateway))

    def capture(self):
        return self.programs.enter_context(Capture(self.folder))

    def call(self, scenario, transport="udp", speaks=None, credentials=None, gateway=None, through_edge=False):
        """SIPp, calling at once."""
        target = (SQUELCH, SQUELCH_SIP) if self.stage.gateway else (OPENAI, OPENAI_SIP)
        if gateway:
            target = (CARRIER, EDGE_SIP) if through_edge else (gateway.here, SQUELCH_SIP)
        called = CALLED if self.stage.gateway else PROJECT
        capture, talk_ms = None, 0
        if speaks:
            capture = CALLER_SPEAKS[speaks]
            _, samples, _ = sound.of_capture(capture)
            talk_ms = 1000 * len(samples) // sound.RATE + PAUSE_MS
        peer = Carrier(self.folder, scenario, target, called, transport, capture, talk_ms, credentials)
        return self.programs.enter_context(peer)
