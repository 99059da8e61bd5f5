"""OpenAI's side as `squelch sim openai` plays it, where a story needs its API as well."""

import os

from .places import OPENAI, OPENAI_TLS, SECOND, SQUELCH_HTTP, STAND_IN_API
from .program import Program


class StandIn(Program):
    """Its own certificate is in `certificate`."""

    def __init__(self, binary, folder, key, secret):
        self.certificate = folder / "stand-in.pem"
        command = [binary, "sim", "openai", "--listen", f"{OPENAI}:{OPENAI_TLS}", "--api", f"{OPENAI}:{STAND_IN_API}"]
        command += ["--webhook", f"http://{SECOND}:{SQUELCH_HTTP}/webhooks/openai", "--srtp", "off"]
        command += ["--api-key-env", "SIM_KEY", "--webhook-secret-env", "SIM_SECRET"]
        command += ["--certificate-out", self.certificate]
        env = {**os.environ, "SIM_KEY": key, "SIM_SECRET": secret, "NO_COLOR": "1"}
        super().__init__("the stand-in for OpenAI", command, folder / "stand-in.log", cwd=folder, env=env)
        self.wait_up(lambda: self.said("ready"))
