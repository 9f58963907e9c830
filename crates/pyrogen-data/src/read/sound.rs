//! WAV files.

use std::io::Cursor;
use std::path::Path;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use pyrogen_core::folder::write_file;

use super::bytes;
use super::folder::{self, Found, classes};
use crate::data::{Data, Items, Sound};
use crate::pictures::{class_folder, new_folder};
use crate::{DataError, Loaded};

/// Reads every `.wav` below a folder, sorted by path, or one file; channels are averaged.
pub(crate) fn load(place: &Path) -> Result<Loaded, DataError> {
    let found = match place.is_file() {
        true => Found::one(place),
        false => folder::collect(place, |path| {
            path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav"))
        })?,
    };
    let mut notes: Vec<String> = found.passed_over().into_iter().collect();
    let mut all = Vec::new();
    let (mut rate, mut mixed) = (None, 0usize);
    for path in &found.paths {
        let (spec, samples) = read(path)?;
        let first = *rate.get_or_insert(spec.sample_rate);
        if first != spec.sample_rate {
            let message = format!(
                "{} samples a second, {} has {first}: bring all to one rate",
                spec.sample_rate,
                found.paths[0].display()
            );
            return Err(DataError::format(path, "WAV", message));
        }
        mixed += usize::from(spec.channels > 1);
        all.push(samples);
    }
    let Some(rate) = rate else {
        return Err(DataError::NoExamples {
            path: place.to_path_buf(),
            hint: "there is no file ending in wav".to_string(),
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
    Ok(loaded)
}

fn read(path: &Path) -> Result<(WavSpec, Vec<f32>), DataError> {
    let wrong = |e: hound::Error| DataError::format(path, "WAV", e);
    let bytes = bytes::read(path)?;
    let mut reader = WavReader::new(Cursor::new(bytes)).map_err(wrong)?;
    let spec = reader.spec();
    if spec.channels == 0 || spec.sample_rate == 0 {
        return Err(DataError::format(path, "WAV", "it has no channels or no rate"));
    }
    let samples: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>().map_err(wrong)?,
        SampleFormat::Int => {
            let top = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
            let samples = reader.samples::<i32>().map(|s| s.map(|s| s as f32 / top));
            samples.collect::<Result<_, _>>().map_err(wrong)?
        }
    };
    if samples.is_empty() {
        let hint = "the recording has no samples".to_string();
        return Err(DataError::NoExamples { path: path.to_path_buf(), hint });
    }
    if let Some(index) = samples.iter().position(|v| !v.is_finite()) {
        let value = f64::from(samples[index]);
        return Err(DataError::NotFinite { path: path.to_path_buf(), index, value });
    }
    let channels = usize::from(spec.channels);
    let mean = |frame: &[f32]| frame.iter().sum::<f32>() / frame.len() as f32;
    let mono = match channels {
        1 => samples,
        _ => samples.chunks(channels).map(mean).collect(),
    };
    Ok((spec, mono))
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
}
