"""PJSIP with A-law and SRTP, baresip with mu-law and SRTP: hold and resume, keys pressed both ways."""

import numpy as np

from stage import sound
from stage.places import SAMPLES, SQUELCH_TLS
from stage.score import lag_of, level, score
from stage.stage import CALLED
from stage.talker import Talker
from stage.waiting import until
from stories.carrier_hangs_up import ended

NEEDS_GATEWAY = True

SUITE = "AES_CM_128_HMAC_SHA1_80"
PIECE_S = 2.5
# The caller speaks its first piece, holds, resumes, speaks its second piece, dials.
HOLD_S, RESUME_S, AGAIN_S, DIAL_S, CALL_S = 3.2, 5.2, 5.6, 8.6, 11
CALLER_DIALS, ANSWERER_DIALS = "159#0", "2*7"
# Full scale is 1; comfort noise and silence have less, speech more.
QUIET = 0.003


def story(stage):
    with stage.scene("held-and-dialled") as scene:
        gateway = scene.gateway(srtp="prefer", trunk='srtp = "require"\nrecord = true', more='[tap]\npath = "captures"')
        _, one, _ = sound.of_capture(SAMPLES / "clean-pcmu.pcap")
        _, other, _ = sound.of_capture(SAMPLES / "clean-pcma.pcap")
        piece = int(PIECE_S * sound.RATE)
        first, second = one[:piece], one[piece : 2 * piece]
        # It speaks all along, so that every moment of it can be told from every other.
        answer = np.concatenate([other, one])[: 10 * sound.RATE]
        openai = scene.openai(says=answer, encryption="srtp-mand")
        again = scene.folder / "again.wav"
        sound.write_wav(again, second)
        steps = [(HOLD_S, "hold"), (RESUME_S, "resume"), (AGAIN_S, f"play={again}"), (DIAL_S, f"dial={CALLER_DIALS}")]
        uri = f"sip:{CALLED}@{gateway.here}:{SQUELCH_TLS};transport=tls"
        talker = Talker(scene.folder, uri, stage.authority.certificate, SUITE, first, CALL_S, law="pcma", steps=steps)
        caller = scene.programs.enter_context(talker)
        until("the caller to dial", lambda: len(caller.told("step")) == len(steps), 30)
        openai.dial(ANSWERER_DIALS)
        assert caller.finish(40) == 0, caller.tail()
        openai.wait_event("CALL_CLOSED")
        record = gateway.next_record()
        ended(record, "completed", "carrier_hangup")
        assert [record["legs"][leg]["format"] for leg in ("carrier", "openai")] == ["pcma", "pcmu"], record
        assert [record["legs"][leg]["srtp"] for leg in ("carrier", "openai")] == [True, True], record
        assert record["guard"]["faults"] == [], record
        events = [event["event"] for event in record["events"]]
        assert events.count("held") == 1 and events.count("resumed") == 1, record

        told = [spoken("to OpenAI", (first, second), openai.heard())]
        told.append(listened(answer, caller.heard()))
        told.append(dialled(openai, caller, gateway, record))
    return "; ".join(told)


def spoken(who, pieces, heard):
    """Both pieces of the caller's are heard, and nothing between them."""
    scores = [score(piece, sound.through("pcmu", sound.through("pcma", piece)), heard) for piece in pieces]
    begins, goes_on = lag_of(pieces[0], heard) + len(pieces[0]), lag_of(pieces[1], heard)
    told = f"{who} before {scores[0]}, after {scores[1]}"
    assert all(one.good for one in scores), told
    # A fifth of a second for jitter buffers at either end.
    margin = sound.RATE // 5
    between = heard[begins + margin : goes_on - margin]
    assert len(between) > (RESUME_S - HOLD_S - 0.3) * sound.RATE, f"{who}: only {len(between) / sound.RATE:.1f} s between the pieces"
    assert level(between) < QUIET, f"{who}: on hold {level(between):.4f} was heard"
    return f"{told}, silence for {len(between) / sound.RATE:.1f} s"


def listened(answer, heard):
    """The caller hears the answer but for what was said while it held."""
    cut = lambda begin, end: answer[int(begin * sound.RATE) : int(end * sound.RATE)]
    pieces = {"before": cut(0, 2.5), "while": cut(HOLD_S + 0.6, RESUME_S - 0.4), "after": cut(RESUME_S + 0.8, RESUME_S + 3.2)}
    best = {name: sound.through("pcma", sound.through("pcmu", piece)) for name, piece in pieces.items()}
    scores = {name: score(piece, best[name], heard) for name, piece in pieces.items()}
    told = f"to the carrier before {scores['before']}, after {scores['after']}"
    assert scores["before"].good and scores["after"].good, told
    assert scores["while"].share == 0, f"on hold the caller heard {scores['while']}"
    return told


def dialled(openai, caller, gateway, record):
    """Each key arrives once, in order, both ways; the recording shows the same on both legs."""
    openai.seen_events()
    assert "".join(openai.digits) == CALLER_DIALS, openai.digits
    heard = "".join(one["digit"] for one in caller.told("digit"))
    assert heard == ANSWERER_DIALS, caller.told("digit")
    recording = gateway.captures() / f"{record['id']}-1-recording.pcap"
    keys = {"*": "10", "#": "11"}
    for address, digits in ((gateway.rtp("openai", recording), CALLER_DIALS), (gateway.rtp("carrier", recording), ANSWERER_DIALS)):
        seen = sound.events_of_capture(recording, source=address)
        assert seen == [keys.get(digit, digit) for digit in digits], (address, seen)
    return f"keys {CALLER_DIALS} one way, {ANSWERER_DIALS} the other"
