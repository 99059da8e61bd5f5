#!/usr/bin/env python3
"""Calls through squelch between two SIP programs that nobody here wrote.

Usage: run.py SQUELCH [STORY...]      the gateway's binary in between
       run.py --direct [STORY...]     the peers with each other, to prove the stories themselves

SIPp is the carrier and plays a capture of pcap-samples/ as RTP; baresip is OpenAI's side, over
SIP/TLS. All of it happens on the loopback interface of a network namespace of the run's own.
Needs sipp, baresip, dumpcap, tshark, openssl, unshare, and numpy; with the package pesq it also
says how the speech sounds. Exit code 0 when every story passed, 1 when one failed, 2 when they
could not be run. What was said, heard and logged stays in target/peers/.
"""

import array
import fcntl
import importlib
import os
import pathlib
import shutil
import signal
import socket
import struct
import sys
import time
import traceback

from stage.places import ROOT

STORIES = (
    "scorer",
    "options_ping",
    "carrier_hangs_up",
    "openai_hangs_up",
    "trunk_digest",
    "far_end_digest",
    "carrier_cancels",
    "carrier_holds",
    "carrier_refreshes",
    "late_offer",
    "early_media",
    "flows",
    "dispatcher",
    "transfer",
    "encrypted",
    "held_and_dialled",
    "rtp_stranger",
    "static_is_muted",
    "redials",
    "captured",
    "foreign_certificate",
    "stranger",
    "application",
    "stops",
)
PROGRAMS = ("sipp", "baresip", "kamailio", "dumpcap", "tshark", "openssl")
INSIDE = "SQUELCH_PEERS_INSIDE"


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    if INSIDE not in os.environ:
        enter_namespace()
    raise_loopback()
    # `timeout` ends a run so: what it started is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))

    binary = None if sys.argv[1] == "--direct" else pathlib.Path(sys.argv[1]).resolve()
    if binary and not os.access(binary, os.X_OK):
        give_up(f"{binary} is no program; build it with: cargo build --bin squelch")
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        give_up(f"not installed: {' '.join(missing)}")
    sys.exit(run(binary, sys.argv[2:] or STORIES))


def run(binary, names):
    from stage.stage import Stage

    folder = ROOT / "target" / "peers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    passed = failed = skipped = 0
    stage = None
    try:
        stage = Stage(folder, binary)
        for name in names:
            story = importlib.import_module(f"stories.{name}")
            if getattr(story, "NEEDS_GATEWAY", False) and not binary:
                skipped += 1
                continue
            first_line = story.__doc__.splitlines()[0]
            start = time.monotonic()
            try:
                told = story.story(stage)
            except Exception as error:
                failed += 1
                print(f"FAILED {name}: {first_line}\n{reason(error)}", flush=True)
                if stage.gateway:
                    stage.gateway.forget()
            else:
                passed += 1
                more = f" [{told}]" if told else ""
                print(f"passed {name}: {first_line}{more} {time.monotonic() - start:.1f} s", flush=True)
    except Exception as error:
        failed += 1
        print(f"FAILED before the first story\n{reason(error)}", flush=True)
    finally:
        if stage:
            stage.close()
    if failed and stage and stage.gateway:
        print(f"--- the end of squelch's log\n{stage.gateway.tail(60)}")
    if failed:
        print(f"--- what was said, heard and logged is in {folder}")
    print(f"peers: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


def reason(error):
    """What went wrong; where, too, unless it tells that itself."""
    where = traceback.format_exception(error, limit=-3)
    return "".join(where)


def enter_namespace():
    """Runs this program again with a network of its own, where nothing but loopback is reached."""
    # Without root, a user namespace gives the right to raw sockets and captures inside it.
    own = ["--net"] if os.geteuid() == 0 else ["--net", "--user", "--map-root-user"]
    probe = ["unshare", *own, "true"]
    if not shutil.which("unshare") or os.spawnvp(os.P_WAIT, "unshare", probe) != 0:
        give_up("no network namespace can be made here (unshare --net)")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", *own, sys.executable, *sys.argv])


def raise_loopback():
    """As `ip link set lo up`, which is not installed everywhere."""
    SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = array.array("b", struct.pack("16sh14x", b"lo", 0))
        fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def give_up(why):
    print(f"peers: {why}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
