"""Real sounds to train, tune and judge the detector on: speech, music and effects out of Debian packages.

Packages are fetched with `apt-get download` and unpacked, not installed; a zip archive in one is unpacked beside it.
Each sound becomes int16 at 8 kHz, in pieces of ten seconds.
"""
import glob
import os
import subprocess
import tempfile
import zipfile

import numpy as np
import soundfile
import soxr

FULL = 32767.0
KINDS = ("speech", "music", "effects")

# What each package is taken for; where it holds several kinds, by a part of the path, first match first. The sources
# of the four sides are disjoint: no speaker, piece or effect is on two of them.
PACKAGES = {
    "train": {
        "asterisk-core-sounds-en-wav": "speech",
        "asterisk-prompt-es-co": "speech",
        "klettres-data": "speech",
        "fillets-ng-data": {"/music/": "music", "/en/": "speech", "/sound/": "effects"},
        "fillets-ng-data-nl": {"/nl/": "speech"},
        "asterisk-moh-opsound-wav": "music",
        "supertux-data": "music",
        "pingus-data": "music",
        "singularity-music": "music",
        "planetblupi-music-ogg": "music",
        "sound-theme-freedesktop": "effects",
        "teeworlds-data": "effects",
        "freedink-data": "effects",
        "alienblaster-data": "effects",
        "megaglest-data": {"/music": "music", "": "effects"},
        "ufoai-sound": "effects",
        "supertuxkart-data": {"/music/": "music", "": "effects"},
        "lincity-ng-data": {"/music/": "music", "": "effects"},
    },
    "tune": {
        "asterisk-core-sounds-it-wav": "speech",
        "fillets-ng-data-cs": {"/cs/": "speech"},
        "freedroidrpg-data": {"/voice_samples/": "speech", "/tux_ingame": "speech", "/music/": "music", "": "effects"},
        "wesnoth-1.16-music": "music",
        "etw-data": "music",
        "openarena-data": {"/music/": "music", "": "effects"},
        "frozen-bubble-data": "effects",
    },
    "judge": {
        "festvox-ru": "speech",
        "boswars-data": {"/music/": "music", "/units/": "speech", "": "effects"},
        "0ad-data": {"/music/": "music", "/voice/": "speech", "": "effects"},
        "redeclipse-data": {"/music": "music", "/voice/": "speech", "/announcer/": "speech", "": "effects"},
        "nexuiz-data": {"/music": "music", "/player/": "speech", "/announcer/": "speech", "": "effects"},
        "nexuiz-music": "music",
        "hyperrogue-music": "music",
        "drascula-music": "music",
        "colobot-common-sounds": {"/music/": "music", "": "effects"},
        "ufoai-music": "music",
        "widelands-data": {"/music/": "music", "": "effects"},
        "naev-data": {"/music/": "music", "": "effects"},
        "asc-music": "music",
        "xblast-tnt-musics": "music",
    },
    "last": {
        "gcin-voice": "speech",
        "unknown-horizons": {"/voice/": "speech", "/speech/": "speech", "/background/": "music", "music": "music", "": "effects"},
        "endless-sky-data": "effects",
        "freeorion-data": {"/music/": "music", "": "effects"},
        "openclonk-data": {"usic": "music", "": "effects"},
        "warmux-data": {"/music/": "music", "": "effects"},
        "starfighter-data": {"/music/": "music", "": "effects"},
        "marsshooter-data": {"/music/": "music", "": "effects"},
        "scorched3d-data": "effects",
        "xmoto-data": {"/Music": "music", "": "effects"},
        "trackballs-data": {"/music/": "music", "": "effects"},
        "extremetuxracer-data": {"/music/": "music", "": "effects"},
        "lordsawar-data": {"/music/": "music", "": "effects"},
        "amoebax-data": {"/music/": "music", "": "effects"},
        "torcs-data": "effects",
        "wordwarvi-sound": "effects",
        "gnome-audio": "effects",
        "lomiri-sounds": "effects",
        "deepin-sound-theme": "effects",
    },
}
SOUNDS = (".wav", ".ogg", ".oga", ".flac", ".gsm", ".wv", ".mp3", ".opus")
PIECE = 80_000


def unpack(folder, package):
    path = os.path.join(folder, package)
    os.makedirs(folder, exist_ok=True)
    if not os.path.isdir(path):
        with tempfile.TemporaryDirectory() as here:
            got = subprocess.run(["apt-get", "download", "-qq", package], cwd=here, stderr=subprocess.DEVNULL)
            files = glob.glob(here + "/*.deb")
            if got.returncode or not files:
                return None
            subprocess.run(["dpkg", "-x", files[0], path], check=True)
    for archive in glob.glob(path + "/**/*", recursive=True):
        inside = archive + ".unpacked"
        if archive.endswith((".pk3", ".zip")) and os.path.isfile(archive) and not os.path.isdir(inside):
            with zipfile.ZipFile(archive) as held:
                held.extractall(inside, [name for name in held.namelist() if name.endswith(SOUNDS)])
    return path


def load(path):
    """Any audio file, one channel, 8 kHz; None where it can't be read."""
    try:
        if path.endswith((".gsm", ".wv")):
            source = ["-f", "gsm"] if path.endswith(".gsm") else []
            raw = subprocess.run(
                ["ffmpeg", "-v", "quiet", *source, "-i", path, "-ac", "1", "-ar", "8000", "-f", "s16le", "-"],
                stdout=subprocess.PIPE, check=True,
            ).stdout
            return np.frombuffer(raw, np.int16)
        data, rate = soundfile.read(path, dtype="float32", always_2d=True)
        data = data.mean(1)
        return i16(FULL * (soxr.resample(data, rate, 8_000) if rate != 8_000 else data))
    except Exception:
        return None


def corpus(folder, side, seconds_a_file=1e9):
    """{kind: [(source, piece)]}, decoded once and kept in `folder`; a long file gives its first `seconds_a_file`."""
    kept = os.path.join(folder, f"{side}-{min(seconds_a_file, 9_999):.0f}.npz")
    if not os.path.exists(kept):
        sounds, rows = [], []
        for package, kinds in PACKAGES[side].items():
            path = unpack(folder, package)
            if path is None:
                print(f"no package {package}")
                continue
            for name in sorted(glob.glob(path + "/**/*", recursive=True)):
                if not name.endswith(SOUNDS) or "/silence/" in name or not os.path.isfile(name):
                    continue
                within = name[len(path) :]
                kind = kinds if isinstance(kinds, str) else next((k for part, k in kinds.items() if part in within), None)
                sound = load(name) if kind else None
                if sound is None:
                    continue
                sound = sound[: int(min(len(sound), seconds_a_file * 8_000))]
                for at in range(0, len(sound), PIECE):
                    piece = sound[at : at + PIECE]
                    if len(piece) > 2_400 and np.abs(piece.astype(int)).max() > 200:
                        sounds.append(piece)
                        rows.append((kind, f"{package}:{os.path.basename(name)}", len(piece)))
        np.savez(kept, sound=np.concatenate(sounds), kind=[r[0] for r in rows], source=[r[1] for r in rows],
                 length=[r[2] for r in rows])
    data = np.load(kept)
    ends = np.cumsum(data["length"])
    found = {kind: [] for kind in KINDS}
    every = data["sound"]
    for kind, source, length, end in zip(data["kind"], data["source"], data["length"], ends):
        found[str(kind)].append((str(source), every[end - length : end]))
    return found


def i16(x):
    return np.clip(np.rint(x), -32768, 32767).astype(np.int16)
