#!/usr/bin/env python3
"""A caller by PJSIP, over TLS and SRTP: plays a WAV file, records what it hears, hangs up.

Usage: talker.py HOST:PORT URI AUTHORITY SUITE LAW SAYS.wav HEARD.wav SECONDS [STEP...]

LAW is PCMU or PCMA. A STEP is SECONDS:WHAT after the answer: hold, resume, play=FILE.wav, dial=DIGITS (RFC 4733).

Offers RTP/SAVP with SUITE alone, and believes no certificate that AUTHORITY did not sign. Prints a JSON object a
line: {"event": "state"|"media"|"digit"|"step"|"ended", ...}. Exit code 0 when the call was up and ended.
"""

import json
import os
import sys
import time

import pjsua2 as pj

# Ringing included.
LONGEST_S = 30
# For the BYE to be answered.
AFTERWARDS_S = 1.0


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


class Talker(pj.Call):
    def __init__(self, account, says, heard):
        super().__init__(account)
        self.says, self.heard = says, heard
        self.player = self.recorder = self.up_since = None
        self.ended = False

    def onCallState(self, _):
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.up_since = time.monotonic()
        self.ended |= info.state == pj.PJSIP_INV_STATE_DISCONNECTED
        tell("state", text=info.stateText, code=int(info.lastStatusCode))

    def onCallMediaState(self, _):
        # Hold and resume make the call's audio anew. What the info holds is gone with it.
        info = self.getInfo()
        if self.recorder and info.media[0].status == pj.PJSUA_CALL_MEDIA_ACTIVE:
            self.connect()

    def onDtmfDigit(self, digit):
        tell("digit", digit=digit.digit, duration=int(digit.duration))

    def talk(self):
        """Plays and records."""
        self.recorder = pj.AudioMediaRecorder()
        self.recorder.createRecorder(self.heard)
        self.player = pj.AudioMediaPlayer()
        self.player.createPlayer(self.says, pj.PJMEDIA_FILE_NO_LOOP)
        self.connect()
        tell("media")

    def connect(self):
        audio = self.getAudioMedia(-1)
        audio.startTransmit(self.recorder)
        self.player.startTransmit(audio)

    def step(self, what):
        """Does one STEP."""
        name, _, of = what.partition("=")
        if name == "hold":
            self.setHold(pj.CallOpParam())
        elif name == "resume":
            again = pj.CallOpParam(True)
            again.opt.flag = pj.PJSUA_CALL_UNHOLD
            self.reinvite(again)
        elif name == "play":
            self.player = pj.AudioMediaPlayer()
            self.player.createPlayer(of, pj.PJMEDIA_FILE_NO_LOOP)
            self.player.startTransmit(self.getAudioMedia(-1))
        elif name == "dial":
            self.dialDtmf(of)
        else:
            sys.exit(f"unknown step {what}")
        tell("step", what=what)


def main():
    (host, port), (uri, authority, suite, law, says, heard, seconds) = sys.argv[1].split(":"), sys.argv[2:9]
    steps = [(float(at), what) for at, what in (step.split(":", 1) for step in sys.argv[9:])]
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.logConfig.level = 4
    config.logConfig.consoleLevel = 4
    config.logConfig.msgLogging = False
    # The samples as they are: nothing of PJSIP's own is to be measured.
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8_000
    config.medConfig.noVad = True
    config.medConfig.ecTailLen = 0
    endpoint.libInit(config)
    endpoint.audDevManager().setNullDev()
    transport = pj.TransportConfig()
    transport.boundAddress = transport.publicAddress = host
    transport.port = int(port)
    transport.tlsConfig.CaListFile = authority
    transport.tlsConfig.verifyServer = True
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_TLS, transport)
    endpoint.libStart()
    for codec in endpoint.codecEnum2():
        endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith(law) else 0)
    account_config = pj.AccountConfig()
    account_config.idUri = f"sip:+15551230001@{host}:{port}"
    media = account_config.mediaConfig
    media.transportConfig.boundAddress = media.transportConfig.publicAddress = host
    media.srtpUse = pj.PJMEDIA_SRTP_MANDATORY
    media.srtpSecureSignaling = 1
    crypto = pj.SrtpCrypto()
    crypto.name = suite
    media.srtpOpt.cryptos.append(crypto)
    account = pj.Account()
    account.create(account_config)

    caller = Talker(account, says, heard)
    caller.makeCall(uri, pj.CallOpParam(True))
    end = time.monotonic() + LONGEST_S
    asked = False
    while time.monotonic() < end and not caller.ended:
        endpoint.libHandleEvents(10)
        if caller.up_since and caller.player is None and not asked:
            caller.talk()
        if steps and caller.up_since and time.monotonic() > caller.up_since + steps[0][0]:
            caller.step(steps.pop(0)[1])
        if caller.up_since and not asked and time.monotonic() > caller.up_since + float(seconds):
            asked = True
            # Writes the recording's last buffer.
            caller.recorder = caller.player = None
            caller.hangup(pj.CallOpParam())
    passed = caller.up_since is not None and caller.ended
    end = time.monotonic() + AFTERWARDS_S
    while time.monotonic() < end:
        endpoint.libHandleEvents(10)
    tell("ended", passed=passed)
    # Taken down in order, the bindings crash; the process's end does as well.
    sys.stdout.flush()
    os._exit(0 if passed else 1)


main()
