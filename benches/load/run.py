#!/usr/bin/env python3
"""What a call with media costs its generator: `squelch load` beside SIPp's play_pcap_audio.

Both call the same far end, `squelch answer --echo`, with the same capture, so many calls at a rate, and
each call talks for the same time. The generator has core 0 for itself, the far end core 1. Told are the
CPU time a call of the generator, the calls at once that one core would carry at that cost, and the jitter
(RFC 3550 A.8, the 99th percentile over the calls) that the far end sees: it is the generator's, for
nothing else is in between. Needs sipp, taskset and openssl (Debian: sip-tester, util-linux, openssl), and
root for SIPp's raw sockets. Nothing leaves 127.0.0.1.

  cargo build --release --bin squelch
  python3 benches/load/run.py target/release/squelch            about 6 minutes
  python3 benches/load/run.py target/release/squelch --quick    about 2
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CAPTURE = ROOT / "pcap-samples" / "clean-pcmu.pcap"
PORT, CALLER = 5680, 5690
TICKS = os.sysconf("SC_CLK_TCK")

SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="a call with a capture">
  <send retrans="500"><![CDATA[
INVITE sip:load@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]s[call_number]
To: <sip:load@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:sipp@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200"/>
  <send><![CDATA[
ACK sip:load@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]s[call_number]
To: <sip:load@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  <nop><action><exec play_pcap_audio="@CAPTURE@"/></action></nop>
  <pause milliseconds="@TALK@"/>
  <send retrans="500"><![CDATA[
BYE sip:load@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]s[call_number]
To: <sip:load@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
"""


def pinned(core, command):
    several = len(os.sched_getaffinity(0)) > 1
    return (["taskset", "-c", str(core)] if several else []) + list(map(str, command))


def far_end(squelch, calls, folder, tls):
    listen = f"tls:127.0.0.1:{PORT}" if tls else f"127.0.0.1:{PORT}"
    shown = ["--certificate", folder / "cert.pem", "--key", folder / "key.pem"] if tls else []
    command = [squelch, "answer", "--listen", listen, "--echo", "--format", "json", "--concurrent", calls + 10, *shown]
    process = subprocess.Popen(pinned(1, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    while "listening" not in line:
        if not line:
            sys.exit("the far end does not start")
        line = process.stderr.readline()
    return process


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def generator(row, squelch, calls, rate, talk, folder):
    if row == "sipp":
        text = SCENARIO.replace("@CAPTURE@", str(CAPTURE)).replace("@TALK@", str(talk * 1000))
        (folder / "call.xml").write_text(text)
        return [
            "sipp", "-sf", folder / "call.xml", "-i", "127.0.0.1", "-p", CALLER, "-mi", "127.0.0.1",
            "-mp", 20000, "-t", "u1", "-nostdin", "-r", rate, "-m", calls,
            "-l", calls, "-timeout", talk * 4 + 60, f"127.0.0.1:{PORT}",
        ]  # fmt: skip
    target = f"127.0.0.1:{PORT}"
    extra = []
    if row == "squelch TLS+SRTP":
        target, extra = f"sip:load@127.0.0.1:{PORT};transport=tls", ["--srtp", "--ca", folder / "cert.pem"]
    return [
        squelch, "load", target, "--pcap", CAPTURE, "--calls", calls, "--rate", rate, "--talk", f"{talk}s",
        "--workers", 1, "--format", "json", *extra,
    ]  # fmt: skip


def measure(row, squelch, calls, rate, talk):
    with tempfile.TemporaryDirectory(prefix="load-bench-") as name:
        folder = pathlib.Path(name)
        tls = row == "squelch TLS+SRTP"
        if tls:
            certificate(folder)
        far = far_end(squelch, calls, folder, tls)
        try:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            started = time.monotonic()
            ran = subprocess.run(
                pinned(0, generator(row, squelch, calls, rate, talk, folder)),
                cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=talk * 6 + 120,
            )  # fmt: skip
            took = time.monotonic() - started
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        finally:
            far.send_signal(signal.SIGINT)
            told, _ = far.communicate(timeout=30)
        if ran.returncode != 0:
            print(f"{row}: exit code {ran.returncode}: {ran.stderr[-600:].decode(errors='replace')}", file=sys.stderr)
        told = json.loads(told)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        own = json.loads(ran.stdout)["percentiles"] if row != "sipp" and ran.stdout else {}
        return {
            "failed": calls - told["statuses"].get("200", 0),
            "cpu_ms": cpu / calls * 1000,
            # A call uses so much of a core while it talks.
            "a_core": calls * talk / cpu if cpu else 0.0,
            "received": told["received"],
            "jitter_us": 1000 * told["percentiles"].get("jitter", {}).get("p99_ms", 0.0),
            "late_us": 1000 * own["lateness"]["p99_ms"] if "lateness" in own else None,
            "took": took,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("squelch", type=pathlib.Path, help="the binary, built with --release")
    parser.add_argument("--calls", default="100,500,1000", help="calls at once, by commas (default 100,500,1000)")
    parser.add_argument("--talk", type=int, default=10, help="seconds that a call talks (default 10)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds; medians are told (default 2)")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--smoke", action="store_true", help="five calls a row, to see that it runs; no figure is told")
    options = parser.parse_args()
    rows = ["sipp", "squelch", "squelch TLS+SRTP"]
    for program, row in (("sipp", "sipp"), ("openssl", "squelch TLS+SRTP")):
        if shutil.which(program) is None or (program == "sipp" and os.geteuid() != 0):
            print(f"{program} is not here, or not to be used: its row is left out", file=sys.stderr)
            rows.remove(row)
    squelch = options.squelch.resolve()
    if options.smoke:
        for row in rows:
            got = measure(row, squelch, 5, 10, 1)
            print(f"{row}: {got['failed']} failed, {got['received']} packets")
            if got["failed"] or not got["received"]:
                sys.exit(1)
        return
    rounds = 1 if options.quick else options.rounds
    sizes = [int(size) for size in options.calls.split(",")]
    got = {}
    for number in range(rounds):
        for calls in sizes:
            for row in rows:
                print(f"round {number + 1}: {row}, {calls} calls", file=sys.stderr)
                # All up within half of the time that each talks.
                rate = max(10, calls * 2 // options.talk)
                got.setdefault((calls, row), []).append(measure(row, squelch, calls, rate, options.talk))
    print(f"| calls at once | generator | CPU ms a call of {options.talk} s | x SIPp | calls a core | far end's jitter p99 us | own lateness p99 us | failed |")
    print("|---|---|---|---|---|---|---|---|")
    for calls in sizes:
        base = [one["cpu_ms"] for one in got.get((calls, "sipp"), [])]
        for row in rows:
            runs = got[(calls, row)]
            median = lambda key: statistics.median(one[key] for one in runs)
            ratio = f"{median('cpu_ms') / statistics.median(base):.2f}" if base else "-"
            late = f"{median('late_us'):.0f}" if runs[0]["late_us"] is not None else "-"
            failed = max(one["failed"] for one in runs)
            print(f"| {calls} | {row} | {median('cpu_ms'):.1f} | {ratio} | {median('a_core'):.0f} | {median('jitter_us'):.0f} | {late} | {failed} |")


if __name__ == "__main__":
    main()
