"""The carrier's edge: Kamailio, which spreads calls over several squelch and goes round one that is gone."""

import os

from .places import EDGE, HERE, SQUELCH_SIP, SQUELCH_TLS
from .program import Program
from .waiting import listening

MODULES = ["/usr/lib/x86_64-linux-gnu/kamailio/modules/", "/usr/lib/aarch64-linux-gnu/kamailio/modules/"]


class Dispatcher(Program):
    def __init__(self, folder, squelches, transport, certificate, key, authority):
        port = SQUELCH_TLS if transport == "tls" else SQUELCH_SIP
        targets = folder / "dispatcher.list"
        targets.write_text("".join(f"1 sip:{host}:{port};transport={transport} 0 0\n" for host in squelches))
        values = {
            "HERE": EDGE,
            "TRANSPORT": transport,
            "MODULES": next((path for path in MODULES if os.path.isdir(path)), MODULES[0]),
            "KEY": key,
            "CERTIFICATE": certificate,
            "AUTHORITY": authority,
            "LIST": targets,
        }
        text = (HERE / "kamailio" / "dispatcher.cfg").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        config = folder / "dispatcher.cfg"
        config.write_text(text)
        run = folder / "kamailio"
        run.mkdir()
        # -DD: it stays our child, and its workers end with it.
        command = ["kamailio", "-f", config, "-DD", "-E", "-P", run / "pid", "-Y", run, "-w", run]
        super().__init__("the carrier's edge (Kamailio)", command, folder / "kamailio.log")
        self.wait_up(lambda: listening("udp", EDGE, 5060) and listening("tcp", EDGE, 5061))
