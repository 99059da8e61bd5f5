"""What is true of a stream, as its line of a .expect file says it."""

import json

# A finding is no better than a guess below this.
SURE = {"min": 0.5, "max": 1.0}
# The sums of the sequential test may leave zero a little before the fault does its harm.
EARLY_MS = 100
# A fault that runs to the stream's end may be thought over a little before it.
LATE_MS = 300
PACKET_MS = 20

NONE = {"fault": "none", "faults": []}
# Overdriven, and so told at most that: `clipping` is advice, and no fault that acts.
AT_MOST_CLIPPING = {
    "fault": {"one_of": ["none", "clipping"]},
    "detected_at_ms": {"optional": {"min": 0, "max": 60_000}},
    "faults": {"only": ["clipping"]},
}


def fault(name, onset_ms, within_ms, end_ms, variants=None, repair=("none", "approximate")):
    """One fault from `onset_ms` to the stream's end, found within so many ms; `variants` are the right names for
    its kind, from the vaguest to the most exact; `None` takes any."""
    found = {"min": onset_ms, "max": onset_ms + within_ms}
    finding = {
        "fault": name,
        "from_ms": {"min": max(0, onset_ms - EARLY_MS), "max": onset_ms + within_ms},
        "detected_at_ms": found,
        "to_ms": {"min": end_ms - LATE_MS, "max": end_ms + PACKET_MS},
        "confidence": SURE,
        "repair": {"one_of": list(repair)},
        "variant": {"one_of": list(variants)} if variants else {"any": True},
    }
    return {"fault": name, "detected_at_ms": found, "faults": [finding]}


def write(path, truths):
    """Writes the truths, by SSRC, into a .expect file; figures of transport that stand there already stay."""
    standing = {}
    if path.exists():
        lines = map(json.loads, path.read_text().splitlines())
        standing = {line["ssrc"]: line for line in lines}
    lines = []
    for ssrc, truth in truths.items():
        line = standing.get(ssrc, {"ssrc": ssrc})
        kept = {key: value for key, value in line.items() if key not in ("fault", "detected_at_ms", "faults")}
        lines.append(json.dumps({**kept, **truth}, separators=(",", ":")) + "\n")
    path.write_text("".join(lines))
