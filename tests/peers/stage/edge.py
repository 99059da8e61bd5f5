"""Kamailio as the edge before OpenAI's side: it asks for a password."""

from .places import EDGE_SIP, HERE, OPENAI, OPENAI_SCENARIO_SIP
from .program import Program
from .waiting import listening


class Edge(Program):
    """Kamailio: asks for digest with SHA-256 and passes on to SIPp whoever knows the password."""

    def __init__(self, folder):
        home = folder / "edge"
        home.mkdir()
        config = (HERE / "kamailio" / "digest.cfg").read_text()
        places = {"@EDGE@": f"{OPENAI}:{EDGE_SIP}", "@BEHIND@": OPENAI, "@BEHIND_PORT@": str(OPENAI_SCENARIO_SIP)}
        for name, value in places.items():
            config = config.replace(name, value)
        (home / "digest.cfg").write_text(config)
        command = ["kamailio", "-f", home / "digest.cfg", "-DD", "-E", "-P", home / "pid", "-Y", home, "-w", home]
        super().__init__("the edge (Kamailio)", command, folder / "edge.log", cwd=home)
        self.wait_up(lambda: listening("udp", OPENAI, EDGE_SIP))
