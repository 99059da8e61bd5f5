"""Who is where on the loopback interface of the suite's own network namespace."""

import pathlib

# baresip sends RTP from a socket bound to no address: the kernel gives it the interface's first.
# It must have that one, or its RTP would come from another host than its SDP says.
OPENAI = "127.0.0.1"
SQUELCH = "127.0.0.2"
CARRIER = "127.0.0.3"
# The carrier's edge before two squelch.
EDGE = "127.0.0.5"
# In no trunk, and OpenAI's neither.
STRANGER = "127.0.0.9"

CARRIER_SIP = 5070
CARRIER_RTP = 30200
# Whom a call is transferred to: a Refer-To of squelch's names no port.
CARRIER_TARGET_SIP = 5060
SQUELCH_SIP = 5060
SQUELCH_TLS = 5061
SQUELCH_RTP = "16384-16584"
SQUELCH_HTTP = 8080
SQUELCH_ADMIN = 9090
# A gateway of a story's own, with another configuration.
SECOND = "127.0.0.4"
SECOND_ADMIN = 9091
SECOND_RTP = "17000-17200"
OPENAI_SIP = 5080
# baresip listens for TLS one port above its first.
OPENAI_TLS = OPENAI_SIP + 1
OPENAI_RTP = "31000-31100"
OPENAI_CONTROL = 4442
# REST and WebSocket of squelch's stand-in.
STAND_IN_API = 18080
# The customer's program.
APPLICATION = "127.0.0.6"
APPLICATION_HTTP = 8099
# Where SIPp is OpenAI's side.
OPENAI_SCENARIO_SIP = 5090
OPENAI_SCENARIO_RTP = 31200
# Where Kamailio is the edge before it.
EDGE_SIP = 5091

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
SCENARIOS = HERE / "scenarios"
SAMPLES = ROOT / "pcap-samples"
