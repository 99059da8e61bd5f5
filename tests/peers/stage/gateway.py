"""The gateway under test: the binary itself, with a configuration of its own."""

import json
import os
import signal
import urllib.error
import urllib.request

from .places import CARRIER, EDGE, OPENAI, OPENAI_SCENARIO_SIP, OPENAI_TLS, SQUELCH, SQUELCH_ADMIN, SQUELCH_HTTP, SQUELCH_RTP, SQUELCH_SIP, SQUELCH_TLS
from .program import Program
from .waiting import until

# Static is muted and, in the end, hung up on: nothing in the story calls OpenAI's side a second time.
MUTES_ONLY = '[guard]\non_static = ["hang_up"]'
# Of whoever must prove who it is.
PASSWORD = "canary-0b51"

CONFIG = """\
[sip]
listen = ["udp:{here}:{sip}", "tcp:{here}:{sip}", "tls:{here}:{tls}"]
certificate = "{certificate}"
key = "{key}"

[media]
ports = "{rtp}"
workers = 1

[[trunk]]
name = "carrier"
sources = ["{carrier}/32", "{edge}/32"]
media_sources = ["{carrier}/32"]
formats = ["pcmu", "pcma"]
{trunk}

[openai]
api_key_env = "OPENAI_API_KEY"
webhook_secret_envs = ["OPENAI_WEBHOOK_SECRET"]
certificate_authority = "{authority}"
media_sources = ["{openai}/32"]
srtp = "{srtp}"
{accepts}
# A SIPp scenario takes an OPTIONS for a call that went wrong, and stories put routes out of order.
probe = "never"

[[openai.route]]
sip_uri = "sip:proj_test@{openai}:{route}"
api_base = "http://{openai}:18080/v1"
{credentials}

[[openai.route]]
sip_uri = "sip:proj_test@{openai}:{openai_scenario};transport=udp"
api_base = "http://{openai}:18080/v1"

[limits]
setup = "5s"
drain = "{drain}"
max_calls = 100

[http]
listen = "{here}:{http_port}"
{http}

[admin]
listen = "127.0.0.1:{admin}"
{admin_token}

[records]
path = "calls.jsonl"

{more}
"""


class Gateway(Program):
    """`trunk` and `credentials` are further lines of those sections; a second gateway has another address and port."""

    def __init__(
        self, binary, folder, certificate, key, authority,
        here=SQUELCH, admin=SQUELCH_ADMIN, rtp=SQUELCH_RTP, trunk="", route=f"{OPENAI_TLS};transport=tls", credentials="", srtp="off",
        drain="1s", more=MUTES_ONLY, admin_token="", accepts='session_file = "session.json"', http="",
    ):  # fmt: skip
        self.here, self.admin = here, admin
        home = folder / "squelch"
        home.mkdir()
        self.records_file = home / "calls.jsonl"
        config = home / "squelch.toml"
        config.write_text(
            CONFIG.format(
                here=here, edge=EDGE, drain=drain, sip=SQUELCH_SIP, tls=SQUELCH_TLS, certificate=certificate, key=key, rtp=rtp,
                carrier=CARRIER, trunk=trunk, authority=authority, openai=OPENAI, route=route,
                openai_scenario=OPENAI_SCENARIO_SIP, credentials=credentials, srtp=srtp, http_port=SQUELCH_HTTP, http=http, accepts=accepts, admin=admin, more=more, admin_token=admin_token,
            )
        )  # fmt: skip
        session = {"type": "realtime", "model": "gpt-realtime", "instructions": "Answer the phone."}
        (home / "session.json").write_text(json.dumps(session))
        secrets = {"OPENAI_API_KEY": "sk-test", "OPENAI_WEBHOOK_SECRET": "whsec_c3F1ZWxjaC10ZXN0LXNlY3JldC0wMQ==", "PEER_PASSWORD": PASSWORD}
        env = {**os.environ, **secrets, "RUST_BACKTRACE": "1"}
        env.setdefault("RUST_LOG", "info,squelch=debug")
        command = [binary, "serve", "--config", config]
        super().__init__("squelch", command, folder / "squelch.log", cwd=home, env=env)
        self.seen = 0
        self.wait_up(lambda: self.status("/readyz") == 200)

    def status(self, path):
        """The HTTP status of the administration's `path`; nothing while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry `labels`."""
        total = 0.0
        for line in self.get("/metrics").splitlines():
            if line.startswith("#") or not line.startswith(name):
                continue
            sample, value = line.rsplit(" ", 1)
            braces = sample[len(name) :]
            if braces[:1] in ("", "{") and all(f'{key}="{text}"' in braces for key, text in labels.items()):
                total += float(value)
        return total

    def records(self):
        if not self.records_file.exists():
            return []
        # A line still being written has no end yet.
        lines = self.records_file.read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def captures(self):
        """The folder of captures, as `[tap]` in these stories names it."""
        return self.records_file.parent / "captures"

    def rtp(self, leg, capture):
        """squelch's own RTP address of a capture's leg: (host, port)."""
        about = json.loads(capture.with_suffix(".json").read_text())
        host, port = about["squelch"][leg].rsplit(":", 1)
        return host, int(port)

    def next_record(self):
        """The record of the call that ended last; there must be one, and only one, more than before."""
        until("a call record", lambda: len(self.records()) > self.seen, 10)
        records = self.records()
        assert len(records) == self.seen + 1, f"{len(records) - self.seen} records for one call"
        self.seen += 1
        return records[-1]

    def forget(self):
        """After a story that failed midway: its records are not the next one's."""
        until("all calls to end", lambda: self.metric("squelch_calls_active") == 0, 45)
        self.seen = len(self.records())

    def terminate(self):
        """SIGTERM; the exit code."""
        return self.stop(signal.SIGTERM, 15)
