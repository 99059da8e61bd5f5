"""`squelch serve` with calls that SIP set up: a carrier and OpenAI's side, each one UDP socket."""

import os
import re
import select
import socket
import subprocess
import sys
import time

BETWEEN, CARRIER, OPENAI = ("127.0.0.1", 5580), ("127.0.0.2", 5560), ("127.0.0.3", 5570)

CONFIG = f"""\
[sip]
listen = ["udp:{BETWEEN[0]}:{BETWEEN[1]}"]

[media]
ports = "10000-29999"
workers = 1

[[trunk]]
name = "carrier"
sources = ["127.0.0.2/32"]
media_sources = ["127.0.0.2/32"]
formats = ["pcmu"]
srtp = "off"
max_calls = 4000
max_calls_per_second = 4000

[openai]
api_key_env = "OPENAI_API_KEY"
webhook_secret_envs = ["OPENAI_WEBHOOK_SECRET"]
media_sources = ["127.0.0.3/32"]
srtp = "off"
session_file = "session.json"
probe = "never"

[[openai.route]]
sip_uri = "sip:proj_bench@{OPENAI[0]}:{OPENAI[1]};transport=udp"
api_base = "http://127.0.0.1:9/v1"

[limits]
max_calls = 4000

[http]
listen = "127.0.0.1:5591"

[admin]
listen = "127.0.0.1:5590"

[records]
path = "calls.jsonl"
"""


class Relay:
    """Answers like the relays of examples/density: a pid, and where each call's packets go."""

    def __init__(self, pinned, squelch, calls, folder):
        (folder / "squelch.toml").write_text(CONFIG)
        # Never said to anybody: no webhook comes.
        (folder / "session.json").write_text('{"type": "realtime", "model": "gpt-realtime"}')
        env = {**os.environ, "OPENAI_API_KEY": "sk-bench", "OPENAI_WEBHOOK_SECRET": "whsec_YmVuY2g=", "RUST_LOG": "warn"}
        self.log = open(folder / "squelch.log", "wb")
        command = pinned(0, [squelch, "serve", "--config", "squelch.toml"])
        self.process = subprocess.Popen(command, cwd=folder, env=env, stdout=self.log, stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        self.carrier, self.openai = bound(CARRIER), bound(OPENAI)
        time.sleep(1.5)
        self.ports, self.there = [], {}
        try:
            for number in range(calls):
                self.ports.append(self.call(number))
        except BaseException:
            self.stop()
            raise

    def call(self, number):
        """One call, set up from end to end before the next."""
        body = sdp(CARRIER[0], 30_000 + 2 * number)
        invite = self.request("INVITE", number, "", body)
        self.carrier.sendto(invite, BETWEEN)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            ready, _, _ = select.select([self.carrier, self.openai], [], [], 0.5)
            if self.openai in ready:
                self.answer(number)
            if self.carrier in ready:
                text = self.carrier.recv(65_536).decode()
                if text.startswith("SIP/2.0 200") and f"Call-ID: density-{number}\r" in text:
                    tag = re.search(r"(?im)^To:.*?;tag=([^;\s]+)", text)[1]
                    self.carrier.sendto(self.request("ACK", number, f";tag={tag}", ""), BETWEEN)
                    return f"127.0.0.1:{port(text)} 127.0.0.1:{self.there[number]}"
                if re.match(r"SIP/2\.0 [3-6]", text):
                    sys.exit(f"squelch refuses a call:\n{text}")
        sys.exit(f"call {number} was not answered")

    def answer(self, number):
        text, source = self.openai.recvfrom(65_536)
        text = text.decode()
        if not text.startswith("INVITE"):
            return
        self.there[number] = port(text)
        kept = [line for line in text.split("\r\n") if re.match(r"(?i)(via|from|call-id|cseq|record-route):", line)]
        to = re.search(r"(?im)^To:.*$", text)[0].strip()
        body = sdp(OPENAI[0], 30_000 + 2 * number)
        reply = ["SIP/2.0 200 OK", *kept, f"{to};tag=o{number}", f"Contact: <sip:{OPENAI[0]}:{OPENAI[1]}>"]
        reply += ["Content-Type: application/sdp", f"Content-Length: {len(body)}", "", body]
        self.openai.sendto("\r\n".join(reply).encode(), source)

    def request(self, method, number, to_tag, body):
        here = f"{CARRIER[0]}:{CARRIER[1]}"
        lines = [
            f"{method} sip:+15559870000@{BETWEEN[0]}:{BETWEEN[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK-{method}-{number}",
            f"From: <sip:+15551230000@{here}>;tag=c{number}",
            f"To: <sip:+15559870000@{BETWEEN[0]}>{to_tag}",
            f"Call-ID: density-{number}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:{here}>",
            "Max-Forwards: 70",
        ]
        lines += ["Content-Type: application/sdp"] if body else []
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()

    def stop(self):
        if self.process.poll() is None:
            # The calls are not hung up: they would be drained for half a minute.
            self.process.kill()
            self.process.wait()
        for one in (self.carrier, self.openai, self.log):
            one.close()


def bound(address):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(address)
    return one


def port(text):
    return int(re.search(r"m=audio (\d+)", text)[1])


def sdp(host, number):
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {number} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    )
