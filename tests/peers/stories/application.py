"""The official OpenAI client accepts, listens, updates, is corrected and hangs up, all through squelch."""

import json

import openai

from stage.application import Application
from stage.stand_in import StandIn
from stage.waiting import until
from stories.carrier_hangs_up import ended

NEEDS_GATEWAY = True

KEY = "sk-test"
SECRET = "whsec_c3F1ZWxjaC10ZXN0LXNlY3JldC0wMQ=="
TOKEN = "canary-0b51"
TOOLS = [{"type": "function", "name": "look_up", "description": "Looks up.", "parameters": {"type": "object", "properties": {}}}]


def story(stage):
    with stage.scene("application") as scene:
        app = scene.programs.enter_context(Application(KEY, SECRET))
        stand_in = scene.programs.enter_context(StandIn(stage.binary, scene.folder, KEY, SECRET))
        gateway = scene.gateway(
            authority=stand_in.certificate,
            accepts=f'webhook_forward = "{app.webhook}"\naudio_format = "pin"',
            http='token_env = "PEER_PASSWORD"',
        )
        caller = scene.call("quiet_till_hung_up", gateway=gateway)
        call_id = app.next_call()
        accepts(app, call_id)
        listens(app, call_id)
        hangs_up(app, call_id)
        caller.finish()
        record = gateway.next_record()
        ended(record, "completed", "openai_hangup")
        assert record["openai_call_ids"] == [call_id], record
        assert record["guard"]["faults"] == [], record
        events = [event["event"] for event in record["events"]]
        for wanted in ("webhook_delivered", "session_refused", "accepted", "sideband_open", "session_rewritten"):
            assert wanted in events, (wanted, record["events"])
        assert gateway.metric("squelch_proxy_requests_total", operation="accept", verdict="repeated") == 1
        told = gateway.log.read_text(errors="replace") + gateway.get("/metrics") + json.dumps(record)
        assert KEY not in told and TOKEN not in told, "a key was told"
    return f"openai {openai.__version__}"


def accepts(app, call_id):
    calls = app.client().realtime.calls
    # What OpenAI would refuse is refused here, and the client reads it as OpenAI's own.
    try:
        calls.accept(call_id, type="realtime", model="gpt-realtime", tools=[{"type": "web_search"}])
        raise AssertionError("a tool that Realtime does not know was accepted")
    except openai.BadRequestError as error:
        assert error.param == "session.tools[0].type", error
    for _ in range(2):
        calls.accept(call_id, type="realtime", model="gpt-realtime", instructions="Answer the phone.", tools=TOOLS)


def listens(app, call_id):
    # By squelch's own token, which OpenAI never sees.
    with app.client(TOKEN).realtime.connect(call_id=call_id) as socket:
        assert socket.recv().type == "session.created"
        # Tools and nothing else: what lost the format.
        socket.session.update(session={"type": "realtime", "tools": TOOLS})
        updated = until_seen(socket, "session.updated")
        assert updated.session.audio.output.format.type == "audio/pcmu", updated
        assert updated.session.tools[0].name == "look_up", updated
        # Without its type.
        socket.send({"type": "session.update", "event_id": "mine", "session": {"instructions": "x"}})
        error = until_seen(socket, "error").error
        assert (error.event_id, error.param) == ("mine", "session.type"), error
    try:
        with app.client().realtime.connect(call_id="rtc_nobody") as socket:
            socket.recv()
        raise AssertionError("a WebSocket for a call that does not exist")
    except AssertionError:
        raise
    except Exception as error:
        assert "404" in str(error), error


def until_seen(socket, kind):
    for _ in range(50):
        event = socket.recv()
        if event.type == kind:
            return event
    raise AssertionError(f"no {kind}")


def hangs_up(app, call_id):
    app.client(TOKEN).realtime.calls.hangup(call_id)

    def gone():
        try:
            app.client(retries=0).realtime.calls.hangup(call_id)
            return False
        except openai.NotFoundError:
            return True

    until("the call to be over", gone, 10)
    try:
        app.client("sk-wrong", retries=0).realtime.calls.hangup(call_id)
        raise AssertionError("a wrong key was taken")
    except openai.AuthenticationError:
        pass
