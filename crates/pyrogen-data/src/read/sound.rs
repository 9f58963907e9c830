//! WAV and FLAC files.

use std::io::Cursor;
use std::path::Path;

use claxon::FlacReader;
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use pyrogen_core::folder::write_file;

use super::bytes;
use super::folder::{self, Found, classes};
use crate::data::{Data, Items, Sound};
use crate::pictures::{class_folder, new_folder};
use crate::{DataError, Loaded, Origins};

/// Endings of the files that are read; others are passed over.
const ENDINGS: [&str; 2] = ["wav", "flac"];

/// More samples than a recording has: six hours of one channel at 48,000 a second. FLAC packs silence a
/// thousand times, so a small file may say that it has as many as it likes.
const MOST_SAMPLES: usize = 1 << 30;

/// Reads every `.wav` and `.flac` below a folder, sorted by path, or one file; channels are averaged.
pub(crate) fn load(place: &Path) -> Result<Loaded, DataError> {
    let found = match place.is_file() {
        true => Found::one(place),
        false => folder::collect(place, |path| {
            let ending = path.extension().unwrap_or_default();
            ENDINGS.iter().any(|e| ending.eq_ignore_ascii_case(e))
        })?,
    };
    let mut notes: Vec<String> = found.passed_over().into_iter().collect();
    let mut all = Vec::new();
    let (mut rate, mut mixed) = (None, 0usize);
    for path in &found.paths {
        let frames = read(path)?;
        let first = *rate.get_or_insert(frames.rate);
        if first != frames.rate {
            let message = format!(
                "{} samples a second, {} has {first}: bring all to one rate",
                frames.rate,
                found.paths[0].display()
            );
            return Err(DataError::format(path, "sound", message));
        }
        mixed += usize::from(frames.channels > 1);
        all.push(frames.mono());
    }
    let Some(rate) = rate else {
        return Err(DataError::NoExamples {
            path: place.to_path_buf(),
            hint: format!("there is no file ending in {}", ENDINGS.join(", ")),
        });
    };
    if mixed > 0 {
        notes.push(format!("{mixed} recordings have several channels: their mean is taken"));
    }
    let mut sound = Sound::new(rate, all)?;
    if let Some((labels, names)) = classes(place, &found.paths) {
        found.check_folders()?;
        sound = sound.with_labels(labels, names)?;
    }
    let mut loaded = Loaded::new(Data::Sound(sound));
    loaded.notes = notes;
    loaded.origins = Some(Origins::Files(found.paths));
    Ok(loaded)
}

/// What a file holds, channels side by side; from -1 to 1 where the file has whole numbers.
struct Frames {
    rate: u32,
    channels: usize,
    samples: Vec<f32>,
}

impl Frames {
    /// The mean of the channels.
    fn mono(self) -> Vec<f32> {
        let mean = |frame: &[f32]| frame.iter().sum::<f32>() / frame.len() as f32;
        match self.channels {
            1 => self.samples,
            _ => self.samples.chunks(self.channels).map(mean).collect(),
        }
    }
}

fn read(path: &Path) -> Result<Frames, DataError> {
    let bytes = bytes::read(path)?;
    let (name, frames) = match bytes.starts_with(b"fLaC") {
        true => ("FLAC", flac(bytes).map_err(|e| e.to_string())),
        false => ("WAV", wav(bytes).map_err(|e| e.to_string())),
    };
    let frames = frames.map_err(|e| DataError::format(path, name, e))?;
    if frames.channels == 0 || frames.rate == 0 {
        return Err(DataError::format(path, name, "it has no channels or no rate"));
    }
    if frames.samples.is_empty() {
        let hint = "the recording has no samples".to_string();
        return Err(DataError::NoExamples { path: path.to_path_buf(), hint });
    }
    if let Some(index) = frames.samples.iter().position(|v| !v.is_finite()) {
        let value = f64::from(frames.samples[index]);
        return Err(DataError::NotFinite { path: path.to_path_buf(), index, value });
    }
    Ok(frames)
}

/// A whole number of so many bits as a number from -1 to 1.
fn scaled(bits: u32) -> impl Fn(i32) -> f32 {
    let top = 2f32.powi(bits as i32 - 1);
    move |sample| sample as f32 / top
}

fn wav(bytes: Vec<u8>) -> Result<Frames, hound::Error> {
    let mut reader = WavReader::new(Cursor::new(bytes))?;
    let spec = reader.spec();
    let samples = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        SampleFormat::Int => {
            let scaled = scaled(u32::from(spec.bits_per_sample));
            reader.samples::<i32>().map(|s| s.map(&scaled)).collect::<Result<_, _>>()?
        }
    };
    Ok(Frames { rate: spec.sample_rate, channels: usize::from(spec.channels), samples })
}

fn flac(bytes: Vec<u8>) -> Result<Frames, claxon::Error> {
    let mut reader = FlacReader::new(Cursor::new(bytes))?;
    let info = reader.streaminfo();
    let scaled = scaled(info.bits_per_sample);
    let samples: Vec<f32> =
        reader.samples().take(MOST_SAMPLES).map(|s| s.map(&scaled)).collect::<Result<_, _>>()?;
    if samples.len() == MOST_SAMPLES {
        return Err(claxon::Error::Unsupported("it has more than 2^30 samples: cut it into parts"));
    }
    let (rate, channels) = (info.sample_rate, info.channels as usize);
    let expected = info.samples.map(|frames| frames.saturating_mul(channels as u64));
    match expected.is_some_and(|expected| expected != samples.len() as u64) {
        true => Err(claxon::Error::FormatError("it is cut off: samples are missing")),
        false => Ok(Frames { rate, channels, samples }),
    }
}

/// Writes recordings as [`Sound`]'s `write` says.
pub(crate) fn write(path: &Path, sound: &Sound) -> Result<(), DataError> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav")) {
        return match sound.recordings() {
            [one] => Ok(write_file(path, &encode(path, sound.rate(), one)?)?),
            many => Err(DataError::Output {
                what: "file",
                expected: "a folder, for more than one recording",
                got: format!("{} recordings", many.len()),
            }),
        };
    }
    if path.extension().is_some() {
        return Err(DataError::Output {
            what: "file",
            expected: "named .wav, or a folder",
            got: path.display().to_string(),
        });
    }
    let digits = sound.len().saturating_sub(1).to_string().len().max(5);
    let mut batch = new_folder(path)?;
    for (i, recording) in sound.recordings().iter().enumerate() {
        let folder = match sound.labels() {
            None => String::new(),
            Some(labels) => class_folder(labels[i], sound.class_names()) + "/",
        };
        let file = format!("{folder}{i:0digits$}.wav");
        batch.write(&file, &encode(&path.join(&file), sound.rate(), recording)?)?;
    }
    batch.finish()?;
    Ok(())
}

/// A WAV file of 16 bits; samples beyond [-1, 1] are clipped.
fn encode(path: &Path, rate: u32, samples: &[f32]) -> Result<Vec<u8>, DataError> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let wrong = |e: hound::Error| DataError::format(path, "WAV", e);
    let mut out = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut out, spec).map_err(wrong)?;
    for v in samples {
        let level = (v * 32_768.0).round().clamp(-32_768.0, 32_767.0);
        writer.write_sample(level as i16).map_err(wrong)?;
    }
    writer.finalize().map_err(wrong)?;
    Ok(out.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_come_back_with_their_classes() {
        let dir = tempfile::tempdir().unwrap();
        let tone = |k: usize| (0..50 + k).map(|i| ((i * k) % 7) as f32 / 8.0 - 0.25).collect();
        let sound = Sound::new(8000, (1..4).map(tone).collect()).unwrap();
        let names = vec!["10".to_string(), "9".to_string()];
        let sound = sound.with_labels(vec![1, 0, 1], names).unwrap();
        let out = dir.path().join("out");
        sound.write(&out).unwrap();
        let Data::Sound(back) = load(&out).unwrap().data else { panic!() };
        assert_eq!(back.class_names(), ["9", "10"]);
        assert_eq!(back.labels(), Some(&[1, 0, 0][..]));
        assert_eq!(back.rate(), 8000);
        // Sorted by path: the class 10 first.
        assert_eq!(back.recordings()[0].len(), 52);
        assert!(back.recordings().iter().all(|r| sound.recordings().contains(r)));
        let one = sound.select(&[2]);
        one.write(&dir.path().join("one.wav")).unwrap();
        let Data::Sound(back) = load(&dir.path().join("one.wav")).unwrap().data else { panic!() };
        assert_eq!(back.recordings(), one.recordings());
        assert!(sound.write(&dir.path().join("all.wav")).is_err());
        assert!(sound.write(&dir.path().join("all.mp3")).is_err());
    }

    #[test]
    fn channels_are_averaged_and_rates_must_agree() {
        let dir = tempfile::tempdir().unwrap();
        let spec = WavSpec {
            channels: 2,
            sample_rate: 100,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        let path = dir.path().join("a.wav");
        let mut writer = WavWriter::create(&path, spec).unwrap();
        for v in [0.5f32, -0.25, 1.0, 0.0] {
            writer.write_sample(v).unwrap();
        }
        writer.finalize().unwrap();
        let loaded = load(dir.path()).unwrap();
        let Data::Sound(sound) = &loaded.data else { panic!() };
        assert_eq!(sound.recordings(), [[0.125, 0.5]]);
        assert!(loaded.notes[0].contains("several channels"));
        Sound::new(200, vec![vec![0.5]]).unwrap().write(&dir.path().join("b.wav")).unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("bring all to one rate"), "{error}");
        std::fs::write(&path, b"RIFFxxxx").unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("WAV"));
        assert!(load(&dir.path().join("none")).is_err());
    }

    /// The formulas of `scripts/fixture_flac.py`.
    fn stereo(i: i64) -> [i64; 2] {
        let right = if i < 2500 { (i * 37 % 2000 - 1000).abs() * 9 } else { 0 };
        [i * i * 7 % 20_001 - 10_000, right]
    }

    #[test]
    fn flac_files_hold_the_samples_that_another_program_packed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.flac");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            super::read(&path)
        };
        let bytes = include_bytes!("../../tests/fixtures/stereo16.flac");
        let frames = read(bytes).unwrap();
        let expected: Vec<f32> =
            (0..5000).flat_map(stereo).map(|level| level as f32 / 32_768.0).collect();
        assert_eq!((frames.rate, frames.channels), (8000, 2));
        assert!(frames.samples == expected, "16 bits are exact in f32");
        // Half of a file is an error, and so is a bit that is another.
        assert!(read(&bytes[..bytes.len() / 2]).is_err_and(|e| e.to_string().contains("FLAC")));
        let mut other = bytes.to_vec();
        other[bytes.len() / 2] ^= 16;
        assert!(read(&other).is_err());
        let bytes = include_bytes!("../../tests/fixtures/mono24.flac");
        let frames = read(bytes).unwrap();
        let level = |i: i64| i * i * 5003 % 16_000_001 - 8_000_000;
        let expected: Vec<f32> = (0..5000).map(|i| level(i) as f32 / 8_388_608.0).collect();
        assert_eq!((frames.rate, frames.channels), (44_100, 1));
        assert!(frames.samples == expected, "24 bits are exact in f32");
        // A folder has both kinds.
        let Data::Sound(sound) = load(dir.path()).unwrap().data else { panic!() };
        sound.write(&dir.path().join("b.wav")).unwrap();
        let loaded = load(dir.path()).unwrap();
        assert_eq!((loaded.data.len(), loaded.notes.len()), (2, 0));
        assert!(loaded.origins.unwrap().name(0).ends_with("a.flac"));
    }
}
