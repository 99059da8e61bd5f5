//! `--repair`: the audio under a fault, written as WAV where it can be got back.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use squelch_call::observe::{FaultReport, Origin, Restorer, StreamReport};

use super::capture::{self, Opened};
use super::recording::Wav;
use crate::wav::header;

/// A folder for repaired audio.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Names that were given in this run, and files that are being read.
    taken: BTreeSet<PathBuf>,
}

/// One file that was written.
#[derive(Debug)]
pub(super) struct Repaired {
    /// Which of the stream's faults.
    pub(super) index: usize,
    pub(super) path: PathBuf,
    pub(super) rate_hz: u32,
    pub(super) duration: Duration,
}

impl Folder {
    /// Makes the folder; files among `inputs` are never replaced.
    pub(super) fn create(path: &Path, inputs: &[PathBuf]) -> io::Result<Folder> {
        fs::create_dir_all(path)?;
        let path = path.to_owned();
        let real = |path: &Path| fs::canonicalize(path).ok();
        let here = real(&path);
        let taken = inputs
            .iter()
            .filter_map(|input| real(input))
            .filter(|input| input.parent() == here.as_deref())
            .filter_map(|input| Some(path.join(input.file_name()?)))
            .collect();
        Ok(Folder { path, taken })
    }

    /// Writes a file for each fault of the stream whose audio can be got back, in one more reading of its file.
    pub(super) fn repair(
        &mut self,
        file: &Path,
        stream: &StreamReport,
    ) -> io::Result<Vec<Repaired>> {
        let mut jobs: Vec<Job> = stream
            .faults
            .iter()
            .enumerate()
            .filter_map(|(index, found)| {
                Some(Job {
                    index,
                    restorer: Restorer::new(stream, found)?,
                    part: None,
                })
            })
            .collect();
        let mut repaired = Vec::new();
        if jobs.is_empty() {
            return Ok(repaired);
        }
        let mut samples = Vec::new();
        let mut failed = None;
        let mut finish = |folder: &mut Self, job: Job| -> io::Result<()> {
            repaired.extend(folder.finish(job, file, stream)?);
            Ok(())
        };
        let mut take = |at: Duration, feed: &mut dyn FnMut(&mut Restorer, &mut Vec<i16>)| {
            if failed.is_some() {
                return;
            }
            let mut each = || -> io::Result<()> {
                while jobs.first().is_some_and(|job| job.restorer.is_over(at)) {
                    finish(self, jobs.remove(0))?;
                }
                // Faults of a stream follow each other: what is not due yet takes nothing.
                for job in &mut jobs {
                    samples.clear();
                    feed(&mut job.restorer, &mut samples);
                    job.write(&self.path, &samples)?;
                }
                Ok(())
            };
            failed = each().err();
        };
        // What could not be read was told at the first reading.
        match (capture::open(file), stream.origin) {
            (Ok(Opened::Capture(reader)), Origin::Rtp { .. }) => {
                let _ = capture::each_packet(reader, |packet| {
                    take(packet.at, &mut |restorer, out| {
                        restorer.handle_datagram(capture::seen(packet), out);
                    });
                });
            }
            (Ok(Opened::Wav(open)), Origin::File { channel }) => {
                if let Ok(mut wav) = Wav::open(open) {
                    let _ = wav.each_packet(|packet| {
                        if packet.index + 1 == usize::from(channel) {
                            take(packet.at, &mut |restorer, out| {
                                restorer.handle_codes(packet.at, packet.codes, out);
                            });
                        }
                    });
                }
            }
            _ => {}
        }
        if let Some(error) = failed {
            return Err(error);
        }
        for job in jobs {
            repaired.extend(self.finish(job, file, stream)?);
        }
        Ok(repaired)
    }

    fn finish(
        &mut self,
        mut job: Job,
        file: &Path,
        stream: &StreamReport,
    ) -> io::Result<Option<Repaired>> {
        let mut samples = Vec::new();
        job.restorer.finish(&mut samples);
        job.write(&self.path, &samples)?;
        let (Some(part), Some(found)) = (job.part, stream.faults.get(job.index)) else {
            return Ok(None);
        };
        let rate_hz = job.restorer.rate_hz();
        let path = self.name(file, stream, found, rate_hz);
        part.finish(&path, rate_hz)?;
        let seconds = job.restorer.samples() as f64 / f64::from(rate_hz);
        Ok(Some(Repaired {
            index: job.index,
            path,
            rate_hz,
            duration: Duration::from_secs_f64(seconds),
        }))
    }

    /// A name that tells capture, stream, fault, start and rate, and leads nowhere else.
    fn name(
        &mut self,
        file: &Path,
        stream: &StreamReport,
        found: &FaultReport,
        rate_hz: u32,
    ) -> PathBuf {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let stem: String = stem
            .chars()
            .take(MAX_STEM)
            .map(|character| match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => character,
                _ => '_',
            })
            .collect();
        let source = match stream.origin {
            Origin::Rtp { ssrc, .. } => format!("{ssrc:08x}"),
            Origin::File { channel } => format!("channel{channel}"),
        };
        let (fault, from) = (found.fault.name(), found.from.as_millis());
        let name = format!("{stem}-{source}-{fault}-{from}ms-{rate_hz}hz");
        let mut path = self.path.join(format!("{name}.wav"));
        let mut count = 1;
        while !self.taken.insert(path.clone()) {
            count += 1;
            path = self.path.join(format!("{name}-{count}.wav"));
        }
        path
    }
}

/// One fault that is being repaired.
struct Job {
    index: usize,
    restorer: Restorer,
    /// None before the first sample.
    part: Option<Part>,
}

impl Job {
    fn write(&mut self, folder: &Path, samples: &[i16]) -> io::Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        let part = match &mut self.part {
            Some(part) => part,
            none => none.insert(Part::create(folder)?),
        };
        part.write(samples)
    }
}

/// A WAV file that is being written beside its place. Dropped unfinished, it is removed.
struct Part {
    file: BufWriter<File>,
    path: PathBuf,
    bytes: u32,
}

impl Part {
    fn create(folder: &Path) -> io::Result<Part> {
        let mut count = 0_u32;
        loop {
            let path = folder.join(format!(".squelch-{}-{count}.part", std::process::id()));
            // Never through a link that somebody laid there.
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let mut file = BufWriter::new(file);
                    file.write_all(&header::of_pcm16(0, 0))?;
                    return Ok(Part {
                        file,
                        path,
                        bytes: 0,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => count += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, samples: &[i16]) -> io::Result<()> {
        let bytes = u32::try_from(samples.len() * 2).ok();
        let total = bytes.and_then(|bytes| self.bytes.checked_add(bytes));
        self.bytes = total.filter(|total| *total <= MAX_BYTES).ok_or_else(|| {
            let text = "more samples than a WAV file can hold (4 GB)";
            io::Error::new(io::ErrorKind::FileTooLarge, text)
        })?;
        for sample in samples {
            self.file.write_all(&sample.to_le_bytes())?;
        }
        Ok(())
    }

    /// Puts the file in its place; one of an earlier run is replaced.
    fn finish(mut self, path: &Path, rate_hz: u32) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file
            .write_all(&header::of_pcm16(rate_hz, self.bytes))?;
        self.file.flush()?;
        fs::rename(&self.path, path)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After the rename there is nothing of that name.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file's name may have 255 bytes on most systems; the rest of it needs some.
const MAX_STEM: usize = 100;
/// What the header's 32 bits can count, with room for the header itself.
const MAX_BYTES: u32 = u32::MAX - 64;
