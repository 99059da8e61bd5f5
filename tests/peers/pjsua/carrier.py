#!/usr/bin/env python3
"""A caller by PJSIP that lets itself be transferred: what it is asked, it does, and tells of it.

Usage: carrier.py HOST:PORT URI       calls URI from HOST:PORT, until it is hung up on

Prints a JSON object a line: {"event": "state"|"refer"|"ended", ...}. Exit code 0 when the call was up and ended.
"""

import json
import os
import sys
import time

import pjsua2 as pj

# The whole of it, ringing and transfer included.
LONGEST_S = 40
# For what is still to be answered when the call has ended.
AFTERWARDS_S = 1.0


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


class Caller(pj.Call):
    def __init__(self, account):
        super().__init__(account)
        self.was_up = self.ended = False

    def onCallState(self, _):
        state = self.getInfo().state
        self.was_up |= state == pj.PJSIP_INV_STATE_CONFIRMED
        self.ended |= state == pj.PJSIP_INV_STATE_DISCONNECTED
        tell("state", text=self.getInfo().stateText)

    def onCallTransferRequest(self, asked):
        tell("refer", to=asked.dstUri)
        asked.statusCode = pj.PJSIP_SC_ACCEPTED


def main():
    (host, port), uri = sys.argv[1].split(":"), sys.argv[2]
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.logConfig.level = 4
    config.logConfig.consoleLevel = 4
    config.logConfig.msgLogging = True
    endpoint.libInit(config)
    endpoint.audDevManager().setNullDev()
    transport = pj.TransportConfig()
    transport.boundAddress = transport.publicAddress = host
    transport.port = int(port)
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.libStart()
    account_config = pj.AccountConfig()
    account_config.idUri = f"sip:+15551230001@{host}:{port}"
    media = account_config.mediaConfig.transportConfig
    media.boundAddress = media.publicAddress = host
    account = pj.Account()
    account.create(account_config)

    caller = Caller(account)
    caller.makeCall(uri, pj.CallOpParam(True))
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end and not caller.ended:
        endpoint.libHandleEvents(10)
    passed = caller.was_up and caller.ended
    end = time.monotonic() + AFTERWARDS_S
    while time.monotonic() < end:
        endpoint.libHandleEvents(10)
    tell("ended", passed=passed)
    # Taken down in order, the bindings crash; the process's end does as well.
    sys.stdout.flush()
    os._exit(0 if passed else 1)


main()
