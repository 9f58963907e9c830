//! Music of MIDI files, on a grid of steps.

use std::path::{Path, PathBuf};

use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

use super::bytes;
use super::folder::{self, Found};
use crate::data::{Data, Sequences};
use crate::{DataError, Loaded, Origins};

/// How music is put on a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MidiOptions {
    /// Steps of a whole note.
    pub grid: usize,
    /// Notes of a step; none for as many as sound at once, and no more than [`MOST_VOICES`].
    pub voices: Option<usize>,
}

impl Default for MidiOptions {
    fn default() -> Self {
        Self { grid: 16, voices: None }
    }
}

/// Voices where nothing else is asked for.
const MOST_VOICES: usize = 8;

/// More steps than any piece has: a day of sixteenths at 300 beats a minute.
const MOST_STEPS: u64 = 2_000_000;

/// The channel of drums, whose numbers are no pitches.
const DRUMS: u8 = 9;

/// Whether a path has the ending of a MIDI file.
pub(crate) fn is_midi(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ending == "mid" || ending == "midi"
}

/// Reads a MIDI file, or all below a folder: a piece a file. A step holds the pitches that sound, the
/// highest first, and is missing where fewer sound than there are voices. A note begins at the nearest
/// step and lasts a step at least; drums are left out.
pub(crate) fn load(path: &Path, options: &MidiOptions) -> Result<Loaded, DataError> {
    let found = match path.is_dir() {
        true => folder::collect(path, is_midi)?,
        false => Found::one(path),
    };
    let mut notes: Vec<String> = found.passed_over().into_iter().collect();
    let (mut pieces, mut files): (Vec<Vec<Chord>>, Vec<PathBuf>) = (Vec::new(), Vec::new());
    let mut silent = 0;
    for file in found.paths {
        let steps = piece(&file, options.grid)?;
        match steps.is_empty() {
            true => silent += 1,
            false => {
                pieces.push(steps);
                files.push(file);
            }
        }
    }
    if pieces.is_empty() {
        let hint = "there is no .mid or .midi file with a note".to_string();
        return Err(DataError::NoExamples { path: path.to_path_buf(), hint });
    }
    if silent > 0 {
        notes.push(format!("{silent} files without a note (drums are none) were passed over"));
    }
    let most = pieces.iter().flatten().map(Chord::len).max().unwrap_or(1);
    let voices = options.voices.unwrap_or(most.min(MOST_VOICES));
    let beyond = pieces.iter().flatten().filter(|step| step.len() > voices).count();
    if beyond > 0 {
        notes.push(format!(
            "in {beyond} steps more than {voices} notes sound: the lowest of them are left out \
             (voices=NUMBER)"
        ));
    }
    let mut values = Vec::new();
    for step in pieces.iter().flatten() {
        let pitches = step.pitches().map(f64::from).chain(std::iter::repeat(f64::NAN));
        values.extend(pitches.take(voices));
    }
    let names = (1..=voices).map(|k| format!("voice{k}")).collect();
    let lengths = pieces.iter().map(Vec::len).collect();
    let mut loaded = Loaded::new(Data::Sequences(Sequences::new(names, values, lengths)?));
    loaded.notes = notes;
    loaded.origins = Some(Origins::Files(files));
    Ok(loaded)
}

/// A note: from which tick, to which, and its pitch.
type Note = (u64, u64, u8);

/// The pitches that sound in a step: bit `p` for pitch `p`.
#[derive(Debug, Clone, Copy, Default)]
struct Chord(u128);

impl Chord {
    fn len(&self) -> usize {
        self.0.count_ones() as usize
    }

    /// The highest first.
    fn pitches(self) -> impl Iterator<Item = u8> {
        (0..128u8).rev().filter(move |pitch| self.0 >> pitch & 1 == 1)
    }
}

/// The pitches of each step of a file; empty for a file without a note.
fn piece(path: &Path, grid: usize) -> Result<Vec<Chord>, DataError> {
    let wrong = |message: String| DataError::format(path, "MIDI", message);
    let bytes = bytes::read(path)?;
    let smf = Smf::parse(&bytes).map_err(|e| wrong(e.to_string()))?;
    let Timing::Metrical(beat) = smf.header.timing else {
        return Err(wrong("its time is counted in frames of film, not in beats".to_string()));
    };
    let beat = u64::from(beat.as_int());
    if beat == 0 {
        return Err(wrong("its beat has no ticks".to_string()));
    }
    let notes: Vec<Note> = smf.tracks.iter().flat_map(|track| notes_of(track)).collect();
    // A whole note is four beats.
    let step = |tick: u64| (2 * tick * grid as u64 + 4 * beat) / (8 * beat);
    let last = notes.iter().map(|&(_, end, _)| step(end)).max().unwrap_or(0);
    if last > MOST_STEPS {
        return Err(wrong(format!("it has {last} steps, more than {MOST_STEPS}")));
    }
    let mut steps = vec![Chord::default(); last as usize];
    for &(start, end, pitch) in &notes {
        let first = step(start) as usize;
        let end = (step(end) as usize).max(first + 1);
        steps.resize(steps.len().max(end), Chord::default());
        steps[first..end].iter_mut().for_each(|chord| chord.0 |= 1 << pitch);
    }
    Ok(steps)
}

/// The notes of a track; one that is never ended ends with the track.
fn notes_of(track: &[midly::TrackEvent]) -> Vec<Note> {
    let (mut now, mut notes) = (0u64, Vec::new());
    // Where the notes that sound began, by channel and pitch.
    let mut sounding: Vec<(u8, u8, u64)> = Vec::new();
    for event in track {
        now += u64::from(event.delta.as_int());
        let (channel, pitch, begins) = match event.kind {
            TrackEventKind::Midi { channel, message } => match message {
                MidiMessage::NoteOn { key, vel } => (channel, key, vel.as_int() > 0),
                MidiMessage::NoteOff { key, .. } => (channel, key, false),
                _ => continue,
            },
            TrackEventKind::Meta(MetaMessage::EndOfTrack) => break,
            _ => continue,
        };
        let (channel, pitch) = (channel.as_int(), pitch.as_int());
        if channel == DRUMS {
            continue;
        }
        // A note that is struck again ends.
        if let Some(k) = sounding.iter().position(|&(c, p, _)| (c, p) == (channel, pitch)) {
            notes.push((sounding.swap_remove(k).2, now, pitch));
        }
        if begins {
            sounding.push((channel, pitch, now));
        }
    }
    notes.extend(sounding.into_iter().map(|(_, pitch, start)| (start, now, pitch)));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one track: ticks a beat, and the bytes of the events.
    fn midi(ticks: u16, events: &[u8]) -> Vec<u8> {
        let mut out = b"MThd\0\0\0\x06\0\0\0\x01".to_vec();
        out.extend(ticks.to_be_bytes());
        out.extend(b"MTrk");
        out.extend((events.len() as u32).to_be_bytes());
        out.extend(events);
        out
    }

    fn read(bytes: &[u8], options: MidiOptions) -> Result<(Sequences, Vec<String>), DataError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.mid"), bytes).unwrap();
        let loaded = load(&dir.path().join("a.mid"), &options)?;
        match loaded.data {
            Data::Sequences(all) => Ok((all, loaded.notes)),
            other => panic!("{other:?}"),
        }
    }

    /// Steps with 0 for a voice that is silent.
    fn steps(bytes: &[u8], options: MidiOptions) -> Vec<f64> {
        let (all, _) = read(bytes, options).unwrap();
        all.sequence(0).iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect()
    }

    const END: [u8; 4] = [0, 0xff, 0x2f, 0];

    #[test]
    fn notes_are_on_the_grid_the_highest_first() {
        // A beat has 8 ticks, a sixteenth 2. C for a quarter; E, struck a tick late by running status, for
        // an eighth, ended by a velocity of 0; then a rest of a sixteenth and G for a tick.
        let events = [
            &[0, 0x90, 60, 64][..],
            &[1, 64, 64],
            &[4, 64, 0],
            &[3, 0x80, 60, 0],
            &[2, 0x90, 67, 1],
            &[1, 67, 0],
            &END,
        ]
        .concat();
        let file = midi(8, &events);
        let expected = [60.0, 0.0, 64.0, 60.0, 64.0, 60.0, 60.0, 0.0, 0.0, 0.0, 67.0, 0.0];
        assert_eq!(steps(&file, MidiOptions::default()), expected);
        // Eighths: half as many steps.
        let eighths = MidiOptions { grid: 8, voices: Some(1) };
        assert_eq!(steps(&file, eighths), [64.0, 60.0, 0.0, 67.0]);
        let (_, notes) = read(&file, MidiOptions { grid: 16, voices: Some(1) }).unwrap();
        assert!(notes[0].contains("in 2 steps more than 1 notes"), "{notes:?}");
    }

    #[test]
    fn a_note_that_is_struck_again_or_never_ended_ends() {
        let events =
            [&[0, 0x90, 60, 64][..], &[8, 60, 64], &[8, 0x90, 62, 64], &[8, 0xff, 0x2f, 0]]
                .concat();
        let all = steps(&midi(8, &events), MidiOptions { grid: 4, voices: None });
        // The second C and the D last to the end of the track.
        assert_eq!(all, [60.0, 0.0, 60.0, 0.0, 62.0, 60.0]);
    }

    #[test]
    fn odd_files_are_errors_that_name_them() {
        let drums = midi(8, &[&[0, 0x99, 36, 64][..], &[8, 36, 0], &END].concat());
        let frames = {
            let mut file = midi(8, &[&[0, 0x90, 60, 64][..], &[8, 60, 0], &END].concat());
            // 25 frames a second of 40 parts.
            file[12..14].copy_from_slice(&[0xe7, 40]);
            file
        };
        let long = {
            let wait = [0xff, 0xff, 0xff, 0x7f];
            let mut events = vec![0, 0x90, 60, 64];
            events.extend(wait);
            events.extend([60, 0]);
            midi(1, &[&events[..], &END].concat())
        };
        for (bytes, says) in [
            (&drums[..], "with a note"),
            (&frames[..], "frames of film"),
            (&long[..], "more than 2000000"),
            (&b"MThd"[..], "MIDI"),
            (&b""[..], "MIDI"),
            (&b"hello, world: no music at all"[..], "MIDI"),
            (&midi(0, &END)[..], "no ticks"),
        ] {
            let error = read(bytes, MidiOptions::default()).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("a.mid"), "{error}");
            assert!(!error.contains('\n'));
        }
    }

    #[test]
    fn a_folder_is_a_piece_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let one = |pitch: u8| midi(4, &[&[0, 0x90, pitch, 64][..], &[4, pitch, 0], &END].concat());
        std::fs::create_dir(dir.path().join("b")).unwrap();
        std::fs::write(dir.path().join("b/2.midi"), one(62)).unwrap();
        std::fs::write(dir.path().join("1.MID"), one(60)).unwrap();
        std::fs::write(dir.path().join("0.mid"), midi(4, &END)).unwrap();
        std::fs::write(dir.path().join("read.me"), "text").unwrap();
        let loaded = load(dir.path(), &MidiOptions::default()).unwrap();
        let Data::Sequences(all) = &loaded.data else { panic!("sequences") };
        assert_eq!((all.lengths(), all.sequence(1)), (&[4, 4][..], &[62.0; 4][..]));
        assert!(loaded.notes[0].contains("1 .me") && loaded.notes[1].contains("1 files without"));
        assert!(loaded.origins.unwrap().name(0).ends_with("1.MID"));
        assert!(load(&dir.path().join("b"), &MidiOptions::default()).is_ok());
    }
}
