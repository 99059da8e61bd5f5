//! Reading.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use squelch_media::audio::opus::{Decoder, OpusError};
use squelch_media::audio::opus_packet;

use super::super::wrong::Wrong;
use super::head::{self, Head};
use super::pages::Pages;
use super::{CLOCK_HZ, rate};

/// An Ogg/Opus file as samples at a rate of choice.
pub(in super::super) struct OpusSource {
    pages: Pages<BufReader<File>>,
    head: Head,
    decoder: Option<Decoder>,
    rate_hz: u32,
    /// The file's length, for the bar.
    pub(in super::super) bytes: u64,
    /// Samples decoded so far, those left out among them. **Units**: 48 kHz.
    decoded: u64,
    /// The granule position at which the first packet begins: not zero where a recording was joined late.
    begin: Option<u64>,
    /// Durations of the packets of the first page. **Units**: 48 kHz.
    first_page: u64,
    samples: Vec<i16>,
}

impl OpusSource {
    /// Opens a file and reads what stands before its sound.
    pub(in super::super) fn open(path: &Path) -> Result<OpusSource, Wrong> {
        let file = File::open(path).map_err(Wrong::Read)?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let mut pages = Pages::new(BufReader::new(file));
        let head = match pages.next()? {
            Some(packet) => Head::parse(&packet.bytes, packet.at)?,
            None => return Err(Wrong::at(0, "an Ogg file with nothing in it")),
        };
        match pages.next()? {
            Some(packet) if head::is_tags(&packet.bytes) => {}
            packet => {
                let at = packet.map_or(pages.offset, |packet| packet.at);
                return Err(Wrong::at(at, "OpusTags should follow OpusHead"));
            }
        }
        Ok(OpusSource {
            pages,
            head,
            decoder: None,
            rate_hz: CLOCK_HZ,
            bytes,
            decoded: 0,
            begin: None,
            first_page: 0,
            samples: Vec::new(),
        })
    }

    /// Decodes at `rate_hz` from now on: the decoder makes 8 kHz as well as 48 kHz, better than what resamples it.
    pub(in super::super) fn decode_at(&mut self, rate_hz: u32) -> Result<(), Wrong> {
        let Some(rate) = rate(rate_hz) else {
            return Err(Wrong::at(0, format!("Opus has no rate of {rate_hz} Hz")));
        };
        self.decoder = Some(Decoder::new(rate).map_err(|error| Wrong::at(0, error.to_string()))?);
        self.rate_hz = rate_hz;
        Ok(())
    }

    /// **Units**: Hz.
    pub(in super::super) fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Bytes read so far.
    pub(in super::super) fn position(&self) -> u64 {
        self.pages.offset
    }

    /// The next samples; none at the end.
    pub(in super::super) fn next(&mut self) -> Result<&[i16], Wrong> {
        self.samples.clear();
        while self.samples.is_empty() {
            let Some(packet) = self.pages.next()? else {
                break;
            };
            let wrong = |error: OpusError| Wrong::at(packet.at, error.to_string());
            let duration = opus_packet::duration(&packet.bytes).ok_or(wrong(OpusError::Packet))?;
            let ticks = duration.as_micros() as u64 * u64::from(CLOCK_HZ) / 1_000_000;
            let room = (ticks * u64::from(self.rate_hz) / u64::from(CLOCK_HZ)) as usize;
            self.samples.resize(room, 0);
            let Some(decoder) = &mut self.decoder else {
                return Err(Wrong::at(packet.at, "no rate to decode at was chosen"));
            };
            let count = decoder
                .decode(Some(&packet.bytes), &mut self.samples)
                .map_err(wrong)?;
            self.samples.truncate(count);
            self.amplify();
            self.keep(ticks, packet.granule, packet.ends_page, packet.ends_stream);
        }
        Ok(&self.samples)
    }

    /// Leaves out what the pre-skip and the page's granule position cut off (RFC 7845 sections 4.2 and 4.4).
    fn keep(&mut self, ticks: u64, granule: u64, ends_page: bool, ends_stream: bool) {
        let from = self.decoded;
        self.decoded += ticks;
        self.first_page += ticks;
        if ends_page && self.begin.is_none() {
            // A page that ends the stream may count less than it holds; that cuts its end, not its start.
            let late = granule.saturating_sub(self.first_page);
            self.begin = Some(if ends_stream { 0 } else { late });
        }
        let skip = u64::from(self.head.pre_skip).saturating_sub(from);
        let end = granule
            .saturating_sub(self.begin.unwrap_or(0))
            .saturating_sub(from);
        // A page on which no packet ends has no position; on the first page it is not known yet.
        let end = if self.begin.is_some() { end } else { u64::MAX };
        let samples = |ticks: u64| {
            let count = ticks
                .saturating_mul(self.rate_hz.into())
                .div_ceil(CLOCK_HZ.into());
            usize::try_from(count).unwrap_or(usize::MAX)
        };
        let (skip, end) = (samples(skip), samples(end));
        self.samples.truncate(end);
        self.samples.drain(..skip.min(self.samples.len()));
    }

    fn amplify(&mut self) {
        if self.head.gain == 0 {
            return;
        }
        // 20 dB are a factor of ten; the gain counts 256 to the dB.
        let factor = 10_f64.powf(f64::from(self.head.gain) / 256.0 / 20.0);
        for sample in &mut self.samples {
            // The cast saturates.
            *sample = (f64::from(*sample) * factor).round() as i16;
        }
    }
}
