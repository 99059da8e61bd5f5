#!/usr/bin/env python3
"""What a call costs that is set up and torn down at once: CPU time and failures, beside Kamailio.

Each round runs every row once at every rate: SIPp to SIPp with nothing in between, through Kamailio as
a stateful proxy that records its route, and through `squelch serve`. The program in between has core 0
for itself, both SIPps share core 1. Needs sipp, kamailio and taskset (Debian: sip-tester, kamailio,
util-linux); a program that is not here has its rows left out. Nothing leaves 127.0.0.1.

  cargo build --release --bin squelch
  python3 benches/signaling_rate/run.py target/release/squelch
  python3 benches/signaling_rate/run.py target/release/squelch --rates 1000,2000 --rounds 5
"""

import argparse
import glob
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CALLER, CALLEE, BETWEEN = 5560, 5570, 5580
ADMIN, HTTP = 5590, 5591
TICKS = os.sysconf("SC_CLK_TCK")

CONFIG = f"""\
[sip]
listen = ["udp:127.0.0.1:{BETWEEN}"]

[media]
# Four a call, and each rests 5 s behind it: enough for 2,400 calls a second.
ports = "10000-61999"
workers = 1

[[trunk]]
name = "carrier"
sources = ["127.0.0.1/32"]
media_sources = ["127.0.0.1/32"]
formats = ["pcmu"]
srtp = "off"
max_calls = 12000
max_calls_per_second = 100000

[openai]
api_key_env = "OPENAI_API_KEY"
webhook_secret_envs = ["OPENAI_WEBHOOK_SECRET"]
media_sources = ["127.0.0.1/32"]
srtp = "off"
session_file = "session.json"
probe = "never"

[[openai.route]]
sip_uri = "sip:proj_bench@127.0.0.1:{CALLEE};transport=udp"
api_base = "http://127.0.0.1:9/v1"

[limits]
max_calls = 12000

[http]
listen = "127.0.0.1:{HTTP}"

[admin]
listen = "127.0.0.1:{ADMIN}"

[records]
path = "calls.jsonl"
"""


class Running:
    """A program, ended by its process id."""

    def __init__(self, command, folder, core, env=None):
        self.log = open(folder / f"{pathlib.Path(command[0]).name}-{time.monotonic_ns()}.log", "wb")
        pinned = ["taskset", "-c", str(core)] if len(os.sched_getaffinity(0)) > 1 else []
        self.process = subprocess.Popen(
            [*pinned, *map(str, command)], cwd=folder, env=env,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def cpu(self):
        """Seconds of CPU time of it and its children, dead ones too."""
        total = 0
        for pid in self.family():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            # utime, stime, and those of children that were waited for (proc(5)).
            total += sum(int(fields[i]) for i in (11, 12, 13, 14))
        return total / TICKS

    def family(self):
        pids, at = [self.process.pid], 0
        while at < len(pids):
            for path in glob.glob(f"/proc/{pids[at]}/task/*/children"):
                try:
                    pids += map(int, pathlib.Path(path).read_text().split())
                except OSError:
                    pass
            at += 1
        return pids

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


def listening(port):
    """Whether somebody has the UDP port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
            return False
        except OSError:
            return True


def wait_for(port, running):
    end = time.monotonic() + 20
    while not listening(port):
        if running.process.poll() is not None or time.monotonic() > end:
            said = pathlib.Path(running.log.name).read_text(errors="replace")
            sys.exit(f"nothing listens on port {port}:\n{said[-2000:]}")
        time.sleep(0.02)


def sipp(scenario, port, extra):
    return [
        "sipp", "-sf", HERE / f"{scenario}.xml", "-i", "127.0.0.1", "-p", port, "-mi", "127.0.0.1", "-t", "u1",
        "-nostdin", "-rtcheck", "loose", "-buff_size", 4 << 20, "-trace_stat", "-stf", f"{scenario}.csv", "-fd", 1,
        *extra,
    ]  # fmt: skip


def between(row, folder, squelch):
    """The program between the two SIPps; none in the first row."""
    if row == "kamailio":
        modules = pathlib.Path(glob.glob("/usr/lib/*/kamailio/modules")[0])
        text = (HERE / "kamailio.cfg").read_text()
        text = text.replace("@MODULES@", f"{modules}/").replace("@PORT@", str(BETWEEN)).replace("@FAR@", str(CALLEE))
        (folder / "kamailio.cfg").write_text(text)
        return Running(["kamailio", "-DD", "-E", "-m", "512", "-f", folder / "kamailio.cfg", "-Y", folder], folder, 0)
    if row == "squelch":
        (folder / "squelch.toml").write_text(CONFIG)
        # Never said to anybody: no webhook comes.
        (folder / "session.json").write_text('{"type": "realtime", "model": "gpt-realtime"}')
        env = {**os.environ, "OPENAI_API_KEY": "sk-bench", "OPENAI_WEBHOOK_SECRET": "whsec_YmVuY2g=", "RUST_LOG": "warn"}
        return Running([squelch, "serve", "--config", "squelch.toml"], folder, 0, env)
    return None


def last_line(path):
    """The figures of SIPp's statistics at its end, by column."""
    lines = path.read_text().splitlines()
    names = lines[0].split(";")
    return dict(zip(names, lines[-1].split(";")))


def measure(row, rate, seconds, squelch):
    """One row at one rate: CPU microseconds a call of each program, failures and retransmissions."""
    calls = rate * seconds
    with tempfile.TemporaryDirectory(prefix="signaling-rate-") as name:
        folder = pathlib.Path(name)
        callee = Running(sipp("callee", CALLEE, []), folder, 1)
        wait_for(CALLEE, callee)
        middle = between(row, folder, squelch)
        try:
            if middle:
                wait_for(BETWEEN, middle)
                # It binds before it is ready to call.
                time.sleep(1.0)
            before = middle.cpu() if middle else 0.0
            target = f"127.0.0.1:{BETWEEN if middle else CALLEE}"
            extra = ["-s", "+15559870000", "-r", rate, "-m", calls, "-l", 3600, "-timeout", seconds * 4 + 40, target]
            caller = Running(sipp("caller", CALLER, extra), folder, 1)
            started = time.monotonic()
            caller.process.wait(seconds * 4 + 60)
            took = time.monotonic() - started
            spent = middle.cpu() - before if middle else 0.0
            figures, far = last_line(folder / "caller.csv"), last_line(folder / "callee.csv")
            return {
                "cpu": spent / calls * 1e6,
                "failed": int(figures["FailedCall(C)"]) + calls - int(figures["TotalCallCreated"]),
                "retransmitted": int(figures["Retransmissions(C)"]) + int(far["Retransmissions(C)"]),
                "rate": calls / took,
            }
        finally:
            for program in (middle, callee):
                if program:
                    program.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("squelch", type=pathlib.Path, help="the binary, built with --release")
    parser.add_argument("--rates", default="1000,2000", help="calls a second, by commas (default 1000,2000)")
    parser.add_argument("--seconds", type=int, default=10, help="how long each row calls (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; medians are told (default 3)")
    parser.add_argument("--smoke", action="store_true", help="100 calls a row, to see that it runs; no figure is told")
    options = parser.parse_args()
    if shutil.which("sipp") is None or shutil.which("taskset") is None:
        sys.exit("sipp or taskset is not here; Debian's packages are sip-tester and util-linux")
    rows = ["direct", "kamailio", "squelch"]
    if shutil.which("kamailio") is None:
        print("kamailio is not here: its rows are left out", file=sys.stderr)
        rows.remove("kamailio")
    squelch = options.squelch.resolve()
    if options.smoke:
        for row in rows:
            got = measure(row, 50, 2, squelch)
            print(f"{row}: {got['failed']} failed")
            if got["failed"]:
                sys.exit(1)
        return
    rates = [int(rate) for rate in options.rates.split(",")]
    got = {}
    for number in range(options.rounds):
        for rate in rates:
            for row in rows:
                print(f"round {number + 1}: {row} at {rate} calls a second", file=sys.stderr)
                got.setdefault((rate, row), []).append(measure(row, rate, options.seconds, squelch))
    print("| calls/s | through | CPU us a call | x Kamailio | failed | retransmissions | calls/s reached |")
    print("|---|---|---|---|---|---|---|")
    for rate in rates:
        peer = got.get((rate, "kamailio"))
        base = statistics.median(one["cpu"] for one in peer) if peer else None
        for row in rows:
            runs = got[(rate, row)]
            cpu = statistics.median(one["cpu"] for one in runs)
            ratio = f"{cpu / base:.2f}" if base and row != "direct" else "-"
            failed, again = (max(one[key] for one in runs) for key in ("failed", "retransmitted"))
            reached = statistics.median(one["rate"] for one in runs)
            print(f"| {rate} | {row} | {cpu:.0f} | {ratio} | {failed} | {again} | {reached:.0f} |")


if __name__ == "__main__":
    main()
