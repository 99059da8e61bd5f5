"""Debian's rtpengine in user space, with calls made by its ng protocol."""

import pathlib
import re
import socket
import subprocess
import sys
import time

NG = ("127.0.0.1", 22222)


class Relay:
    """Answers like the relays of examples/density: a pid, and where each call's packets go."""

    def __init__(self, pinned, calls, openai_format, folder):
        command = [
            "rtpengine", "--config-file=none", "--table=-1", "--interface=127.0.0.1", f"--listen-ng={NG[0]}:{NG[1]}",
            "--foreground", "--log-stderr", "--log-level=3", "--port-min=10000", "--port-max=29998", "--num-threads=1",
            f"--pidfile={folder / 'pid'}",
        ]  # fmt: skip
        self.log = open(folder / "rtpengine.log", "wb")
        self.process = subprocess.Popen(pinned(0, command), stdout=self.log, stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(NG)
        self.socket.settimeout(1)
        self.asked = 0
        try:
            self.wait()
            self.ports = [self.call(number, openai_format) for number in range(calls)]
        except BaseException:
            self.stop()
            raise

    def wait(self):
        for _ in range(50):
            try:
                if self.ask({"command": "ping"}).get("result") == "pong":
                    return
            except OSError:
                time.sleep(0.2)
        sys.exit(f"rtpengine does not answer:\n{pathlib.Path(self.log.name).read_text(errors='replace')[-2000:]}")

    def call(self, number, openai_format):
        name = {"call-id": f"density-{number}", "from-tag": "carrier"}
        offer = {**name, "command": "offer", "sdp": sdp("127.0.0.2", 30_000 + 2 * number, "PCMU")}
        offer |= {"replace": ["origin"], "ICE": "remove", "rtcp-mux": ["demux"]}
        if openai_format != "PCMU":
            offer["codec"] = {"mask": ["PCMU"], "transcode": [openai_format]}
        there = self.port(offer)
        answer = {**name, "to-tag": "openai", "command": "answer"}
        answer["sdp"] = sdp("127.0.0.3", 30_000 + 2 * number, openai_format)
        here = self.port(answer)
        return f"127.0.0.1:{here} 127.0.0.1:{there}"

    def port(self, request):
        reply = self.ask(request)
        if reply.get("result") != "ok":
            sys.exit(f"rtpengine refuses: {reply}")
        return int(re.search(r"m=audio (\d+)", reply["sdp"])[1])

    def ask(self, request):
        # A late answer to an earlier question has another cookie.
        self.asked += 1
        cookie = b"%d" % self.asked
        self.socket.send(cookie + b" " + encode(request))
        while True:
            told, reply = self.socket.recv(65_536).split(b" ", 1)
            if told == cookie:
                return decode(reply)[0]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.socket.close()
        self.log.close()


def sdp(host, port, name):
    number = {"PCMU": 0, "PCMA": 8}[name]
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {number}\r\na=rtpmap:{number} {name}/8000\r\n"
    )


def encode(value):
    """Bencode, as the ng protocol has it."""
    if isinstance(value, dict):
        inside = b"".join(encode(key) + encode(value[key]) for key in sorted(value))
        return b"d" + inside + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    if isinstance(value, int):
        return b"i%de" % value
    text = value.encode()
    return b"%d:%s" % (len(text), text)


def decode(data):
    """The value at the start of `data`, and what follows it."""
    kind = data[:1]
    if kind == b"d":
        data, values = data[1:], {}
        while data[:1] != b"e":
            key, data = decode(data)
            values[key], data = decode(data)
        return values, data[1:]
    if kind == b"l":
        data, values = data[1:], []
        while data[:1] != b"e":
            value, data = decode(data)
            values.append(value)
        return values, data[1:]
    if kind == b"i":
        number, data = data[1:].split(b"e", 1)
        return int(number), data
    length, data = data.split(b":", 1)
    return data[: int(length)].decode(errors="replace"), data[int(length) :]
