"""The carrier asks with OPTIONS whether squelch is there."""


def story(stage):
    with stage.scene("options-ping") as scene:
        scene.call("options").finish()


NEEDS_GATEWAY = True
