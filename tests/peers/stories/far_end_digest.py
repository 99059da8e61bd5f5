"""OpenAI's side asks for a password: SIPp checks it with MD5, Kamailio with SHA-256, BYE included."""

from stage.places import EDGE_SIP, OPENAI_SCENARIO_SIP

from .carrier_hangs_up import ended

CREDENTIALS = 'username = "gateway"\npassword_env = "PEER_PASSWORD"\nrealm = "openai.test"'


def story(stage):
    with stage.scene("far-end-md5") as scene:
        gateway = scene.gateway(route=f"{OPENAI_SCENARIO_SIP};transport=udp", credentials=CREDENTIALS)
        far_end = scene.openai_scenario("openai_asks_for_digest")
        scene.call("plain_call", gateway=gateway).finish()
        far_end.finish()
        ended(gateway.next_record(), "completed", "carrier_hangup")
        assert gateway.said("MD5"), "the log says nothing of MD5"

    with stage.scene("far-end-sha256") as scene:
        gateway = scene.gateway(route=f"{EDGE_SIP};transport=udp", credentials=CREDENTIALS)
        far_end = scene.openai_scenario("openai_answers")
        edge = scene.openai_edge()
        scene.call("plain_call", gateway=gateway).finish()
        far_end.finish()
        ended(gateway.next_record(), "completed", "carrier_hangup")
        for proved in ("edge: INVITE proved", "edge: BYE proved", "algorithm=SHA-256"):
            assert edge.said(proved), f"the edge does not say {proved!r}\n{edge.tail()}"
        assert not edge.said("edge: BYE asked"), "the BYE came without credentials at first"
        assert not gateway.said("MD5")

    with stage.scene("far-end-other-realm") as scene:
        elsewhere = CREDENTIALS.replace("openai.test", "elsewhere.test")
        gateway = scene.gateway(route=f"{EDGE_SIP};transport=udp", credentials=elsewhere)
        edge = scene.openai_edge()
        scene.call("refused_503", gateway=gateway).finish()
        ended(gateway.next_record(), "failed", "openai_refused")
        assert edge.said("edge: INVITE asked") and not edge.said("proved")


NEEDS_GATEWAY = True
