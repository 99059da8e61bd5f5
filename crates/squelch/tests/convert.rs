//! `squelch convert` as a process: the bytes are the Recommendation's, time is kept, and what fails
//! leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use squelch::wav::Sound;
use squelch_sim::sound::Law;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(&self, name: &str, bytes: &[u8]) -> &Folder {
        fs::write(self.path(name), bytes).expect("written");
        self
    }

    fn convert(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_squelch"))
            .arg("convert")
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .expect("run")
    }

    /// Converts and gives the output's bytes.
    fn converted(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.convert(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(output.stdout.starts_with(arguments[0].as_bytes()));
        fs::read(self.path(arguments[1])).expect("written")
    }

    /// A conversion that must fail: what it says, and that nothing but the input is there.
    fn refused(&self, arguments: &[&str], words: &[&str]) {
        let output = self.convert(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        for word in words {
            assert!(told.contains(word), "{word:?} is not in: {told}");
        }
        let names = fs::read_dir(self.0.path()).expect("read");
        let left: Vec<_> = names.map(|entry| entry.expect("one").file_name()).collect();
        assert!(left.iter().all(|name| name == arguments[0]), "{left:?}");
    }
}

impl Folder {
    /// As `refused`, in a folder that holds more than the input.
    #[cfg(feature = "opus")]
    fn refused_beside(&self, arguments: &[&str], words: &[&str]) {
        let output = self.convert(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
        assert!(!self.path(arguments[1]).exists());
    }
}

fn every_sample() -> Vec<i16> {
    (i16::MIN..=i16::MAX).collect()
}

fn little(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

fn wav(folder: &Folder, name: &str, rate_hz: u32, samples: Vec<i16>) {
    let sound = Sound { rate_hz, samples };
    sound.write(&folder.path(name)).expect("written");
}

#[test]
fn every_sample_becomes_its_code_and_every_code_its_sample() {
    use squelch_media::Format::{Pcma, Pcmu};
    let laws = [(Law::Mu, Pcmu, "ul"), (Law::A, Pcma, "al")];
    for (law, format, extension) in laws {
        let (name, kernels) = (format.name(), format.law());
        let folder = Folder::new();
        wav(&folder, "in.wav", 8_000, every_sample());
        let out = format!("out.{extension}");
        // The kernels' own tests hold them to the Recommendation's tables.
        let mut wanted = vec![0; 65_536];
        kernels.encode(&every_sample(), &mut wanted);
        assert!(folder.converted(&["in.wav", &out]) == wanted, "{name}");
        let codes: Vec<u8> = (0..=255).collect();
        folder.with("codes.raw", &codes);
        let raw = folder.converted(&["codes.raw", "out.raw", "--from", name, "--to", "pcm16"]);
        assert!(raw == little(&law.decode_all(&codes)), "{name}");
        let big = folder.converted(&["codes.raw", "be.raw", "--from", name, "--to", "pcm16be"]);
        let swapped: Vec<u8> = raw.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
        assert!(big == swapped, "{name}");
    }
}

#[test]
fn wav_keeps_what_it_holds() {
    let folder = Folder::new();
    let codes: Vec<u8> = (0..=255).cycle().take(1_001).collect();
    folder.with("in.ul", &codes);
    // G.711 in WAV, an odd count of bytes, and back.
    let file = folder.converted(&["in.ul", "law.wav", "--to", "pcmu"]);
    assert_eq!(file.len() % 2, 0, "chunks are padded");
    assert!(
        folder.converted(&["law.wav", "back.ul"]) == codes,
        "bit by bit"
    );
    folder.converted(&["law.wav", "pcm.wav"]);
    let sound = Sound::read(&folder.path("pcm.wav")).expect("hound reads it");
    assert_eq!(
        (sound.rate_hz, sound.samples),
        (8_000, Law::Mu.decode_all(&codes))
    );
}

#[test]
fn another_rate_keeps_length_pitch_and_place() {
    let tone = |rate: u32, count: usize| -> Vec<i16> {
        let step = 440.0 * std::f64::consts::TAU / f64::from(rate);
        (0..count)
            .map(|n| ((n as f64 * step).sin() * 10_000.0) as i16)
            .collect()
    };
    for (from, to) in [
        (8_000, 24_000),
        (24_000, 8_000),
        (16_000, 48_000),
        (48_000, 16_000),
    ] {
        let folder = Folder::new();
        // No whole number of packets.
        let count = from as usize + 77;
        wav(&folder, "in.wav", from, tone(from, count));
        let format = format!("pcm16@{to}");
        let bytes = folder.converted(&["in.wav", "out.raw", "--to", &format]);
        let heard: Vec<i16> = bytes
            .chunks(2)
            .map(|p| i16::from_le_bytes([p[0], p[1]]))
            .collect();
        let wanted = (count * to as usize).div_ceil(from as usize);
        assert_eq!(heard.len(), wanted);
        // The middle is the tone itself, sample by sample: neither late nor quieter.
        let right = tone(to, wanted);
        let middle = wanted / 4..wanted * 3 / 4;
        let worst = heard[middle.clone()].iter().zip(&right[middle]);
        let worst = worst
            .map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs())
            .max();
        assert!(worst < Some(60), "{from} to {to}: off by {worst:?}");
    }
}

#[test]
fn what_is_broken_is_named_with_its_place_and_nothing_is_left() {
    let folder = Folder::new();
    folder.with("in.raw", &[0; 1_001]);
    let odd = ["in.raw", "out.wav", "--from", "pcm16"];
    folder.refused(&odd, &["in.raw", "at byte 1001", "odd"]);
    folder.refused(&["in.raw", "out.wav"], &["--from"]);
    folder.refused(&["in.raw", "out.raw", "--from", "pcmu"], &["--to"]);
    if cfg!(not(feature = "opus")) {
        let opus = ["in.raw", "out.opus", "--from", "pcmu"];
        folder.refused(&opus, &["out.opus", "--features squelch/opus"]);
    }
    let named = ["in.raw", "out.opus", "--from", "pcmu", "--to", "pcma"];
    folder.refused(&named, &["holds Opus, not pcma"]);
    folder.refused(&["in.raw", "out.wav", "--from", "gsm"], &["pcmu, pcma"]);
    folder.refused(&["in.raw", "no/out.wav", "--from", "pcmu"], &["no/out.wav"]);
    let folder_out = ["in.raw", ".", "--from", "pcmu", "--to", "pcma"];
    folder.refused(&folder_out, &["directory"]);
    let be = ["in.raw", "out.wav", "--from", "pcmu", "--to", "pcm16be"];
    folder.refused(&be, &["little-endian"]);
    let missing = Folder::new().convert(&["none.wav", "out.ul"]);
    assert_eq!(missing.status.code(), Some(2));

    let folder = Folder::new();
    wav(&folder, "in.wav", 8_000, vec![1; 100]);
    let whole = fs::read(folder.path("in.wav")).expect("read");
    let broken = |bytes: &[u8]| {
        let folder = Folder::new();
        folder.with("in.wav", bytes);
        folder
    };
    broken(&whole[..200]).refused(&["in.wav", "o.ul"], &["at byte 200", "44 bytes more"]);
    broken(&whole[..30]).refused(&["in.wav", "o.ul"], &["header ends"]);
    broken(b"nothing of the kind").refused(&["in.wav", "o.ul"], &["RIFF"]);
    let mut stereo = whole.clone();
    stereo[22] = 2;
    broken(&stereo).refused(&["in.wav", "o.ul"], &["2 channels"]);
    let mut rate = whole.clone();
    rate[24..28].copy_from_slice(&44_100_u32.to_le_bytes());
    broken(&rate).refused(&["in.wav", "o.ul"], &["44100 Hz"]);
    let contradiction = ["in.wav", "o.ul", "--from", "pcmu"];
    broken(&whole).refused(&contradiction, &["contradicts"]);
}

#[test]
fn a_file_that_is_there_stays_when_the_conversion_fails() {
    let folder = Folder::new();
    folder.with("in.raw", &[0; 3]).with("out.wav", b"precious");
    let output = folder.convert(&["in.raw", "out.wav", "--from", "pcm16"]);
    assert_eq!(output.status.code(), Some(2));
    let kept = fs::read(folder.path("out.wav")).expect("there");
    assert_eq!(kept, b"precious");
    assert!(!Path::new("out.wav.part").exists());
}

/// A second of a tone, with a click at 100 ms that tells where in time it is.
#[cfg(feature = "opus")]
fn tone_with_a_click(rate_hz: u32) -> Vec<i16> {
    let mut sound: Vec<i16> = (0..rate_hz + 77)
        .map(|at| f64::from(at) * 440.0 * std::f64::consts::TAU / f64::from(rate_hz))
        .map(|phase| (phase.sin() * 4_000.0) as i16)
        .collect();
    let at = rate_hz as usize / 10;
    sound[at..at + rate_hz as usize / 1_000].fill(30_000);
    sound
}

#[cfg(feature = "opus")]
#[test]
fn opus_keeps_length_place_and_pitch_at_every_rate() {
    for rate_hz in [8_000, 16_000, 24_000, 48_000] {
        let folder = Folder::new();
        let sound = tone_with_a_click(rate_hz);
        wav(&folder, "in.wav", rate_hz, sound.clone());
        folder.converted(&["in.wav", "packed.opus"]);
        let back = format!("pcm16@{rate_hz}");
        let bytes = folder.converted(&["packed.opus", "back.raw", "--to", &back]);
        let heard: Vec<i16> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| i16::from_le_bytes(*b))
            .collect();
        assert_eq!(heard.len(), sound.len(), "{rate_hz}");
        let loudest = (0..heard.len()).max_by_key(|at| heard[*at].unsigned_abs());
        let place = loudest.expect("some") as f64 / f64::from(rate_hz);
        assert!(
            (place - 0.1005).abs() < 0.003,
            "{rate_hz}: the click is at {place} s"
        );
        let tail = &heard[heard.len() / 2..];
        let crossings = tail
            .windows(2)
            .filter(|pair| (pair[0] < 0) != (pair[1] < 0))
            .count();
        let pitch = crossings as f64 / 2.0 / (tail.len() as f64 / f64::from(rate_hz));
        assert!((pitch - 440.0).abs() < 5.0, "{rate_hz}: {pitch} Hz");
    }
}

#[cfg(feature = "opus")]
#[test]
fn any_rate_comes_out_of_an_opus_file() {
    let folder = Folder::new();
    wav(&folder, "in.wav", 24_000, tone_with_a_click(24_000));
    folder.converted(&["in.wav", "packed.ogg"]);
    let full = folder.converted(&["packed.ogg", "full.wav"]);
    assert_eq!(
        full.len(),
        44 + 2 * 2 * (24_000 + 77),
        "48 kHz where nothing is said"
    );
    let law = folder.converted(&["packed.ogg", "out.ul"]);
    assert_eq!(law.len(), (24_000_usize + 77).div_ceil(3));
    folder.converted(&["packed.ogg", "again.opus"]);
}

#[cfg(feature = "opus")]
#[test]
fn a_broken_opus_file_is_named_with_its_place_and_nothing_is_left() {
    let folder = Folder::new();
    wav(&folder, "in.wav", 8_000, tone_with_a_click(8_000));
    let whole = folder.converted(&["in.wav", "in.opus"]);
    let broken = |bytes: &[u8], words: &[&str]| {
        let folder = Folder::new();
        folder
            .with("in.opus", bytes)
            .refused(&["in.opus", "out.wav"], words);
    };
    // OpusHead's page has 47 bytes, OpusTags' begins there.
    broken(&whole[..60], &["at byte", "cut off"]);
    broken(&whole[..whole.len() - 1], &["cut off"]);
    broken(b"", &["at byte 0"]);
    broken(&[0; 100], &["at byte 0", "no Ogg page"]);
    let mut flipped = whole.clone();
    flipped[200] ^= 1;
    broken(&flipped, &["checksum"]);
    broken(&whole[47..], &["at byte 0", "broken Ogg page"]);
    broken(&[&whole[..], &whole[..]].concat(), &["a second stream"]);
    broken(&[&whole[..], b"x"].concat(), &["a second stream"]);
    folder.refused_beside(&["in.opus", "out.wav", "--from", "pcmu"], &["contradicts"]);
}
