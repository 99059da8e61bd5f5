"""Kamailio as a proxy on one side of squelch."""

from .places import CARRIER, EDGE_SIP, HERE, OPENAI, OPENAI_SCENARIO_SIP, SQUELCH_SIP
from .program import Program
from .waiting import listening


class Edge(Program):
    def __init__(self, folder, config, host, behind):
        home = folder / "edge"
        home.mkdir()
        text = (HERE / "kamailio" / config).read_text()
        places = {"@EDGE@": f"{host}:{EDGE_SIP}", "@BEHIND@": behind[0], "@BEHIND_PORT@": str(behind[1])}
        for name, value in places.items():
            text = text.replace(name, value)
        (home / config).write_text(text)
        command = ["kamailio", "-f", home / config, "-DD", "-E", "-P", home / "pid", "-Y", home, "-w", home]
        super().__init__("the edge (Kamailio)", command, folder / "edge.log", cwd=home)
        self.wait_up(lambda: listening("udp", host, EDGE_SIP))


def before_openai(folder):
    """Asks for digest with SHA-256 and passes on to SIPp whoever knows the password."""
    return Edge(folder, "digest.cfg", OPENAI, (OPENAI, OPENAI_SCENARIO_SIP))


def of_the_carrier(folder, gateway):
    """Passes the carrier's calls on and answers what the gateway asks of them."""
    return Edge(folder, "answers_digest.cfg", CARRIER, (gateway.here, SQUELCH_SIP))
