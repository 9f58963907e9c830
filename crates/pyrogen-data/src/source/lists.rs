//! `sound`, `documents`, `ratings`, `graph` and `music`.

use super::{Loaded, Reader, SourceText};
use crate::DataError;
use crate::read::documents::DocumentOptions;
use crate::read::midi::MidiOptions;
use crate::read::pairs::PairColumns;
use crate::read::{documents, midi, music, pairs, sound};

macro_rules! reader {
    ($name:ident, $scheme:literal, $place:literal, $options:expr, $about:literal, $read:expr) => {
        pub(super) struct $name;

        impl Reader for $name {
            fn scheme(&self) -> &'static str {
                $scheme
            }

            fn place(&self) -> &'static str {
                $place
            }

            fn options(&self) -> &'static [&'static str] {
                $options
            }

            fn about(&self) -> &'static str {
                $about
            }

            fn check(&self, text: &SourceText) -> Result<(), DataError> {
                text.number("least", 1..=usize::MAX)?;
                midi_options(text).map(|_| ())
            }

            fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
                let read: fn(&SourceText) -> Result<Loaded, DataError> = $read;
                read(text)
            }
        }
    };
}

reader!(Sounds, "sound", "FILE|DIR", &[], "recordings as .wav and .flac files", |text| {
    sound::load(text.place())
});

reader!(
    WordCounts,
    "documents",
    "FILE|DIR",
    &["column=COLUMN", "label=COLUMN", "lines", "vocabulary=FILE", "least=NUMBER"],
    "word counts of documents: text files, a column of a CSV file, or LDA-C (.ldac, .dat)",
    |text| documents::load(text.place(), &document_options(text)?)
);

reader!(
    RatingTable,
    "ratings",
    "FILE",
    &["user=COLUMN", "thing=COLUMN", "rating=COLUMN"],
    "a CSV table of one rating a row: who, what, how much",
    |text| pairs::ratings(text.place(), &columns(text, ["user", "thing", "rating"]))
);

reader!(
    EdgeList,
    "graph",
    "FILE",
    &["from=COLUMN", "to=COLUMN", "weight=COLUMN"],
    "a list of edges: two nodes and a weight, if any",
    |text| pairs::graph(text.place(), &columns(text, ["from", "to", "weight"]))
);

reader!(
    Music,
    "music",
    "FILE|DIR",
    &["grid=NUMBER", "voices=NUMBER"],
    "pieces as steps of pitches, from JSON or MIDI files",
    |text| match text.place().is_dir() || midi::is_midi(text.place()) {
        true => midi::load(text.place(), &midi_options(text)?),
        false => music::load(text.place()),
    }
);

fn midi_options(text: &SourceText) -> Result<MidiOptions, DataError> {
    Ok(MidiOptions {
        grid: text.number("grid", 1..=192)?.unwrap_or(MidiOptions::default().grid),
        voices: text.number("voices", 1..=128)?,
    })
}

fn columns(text: &SourceText, names: [&str; 3]) -> PairColumns {
    let [first, second, value] = names.map(|name| text.value(name).map(str::to_string));
    PairColumns { first, second, value }
}

fn document_options(text: &SourceText) -> Result<DocumentOptions, DataError> {
    Ok(DocumentOptions {
        column: text.value("column").map(str::to_string),
        label: text.value("label").map(str::to_string),
        lines: text.flag("lines"),
        vocabulary: text.value("vocabulary").map(str::to_string),
        least: text.number("least", 1..=usize::MAX)?,
    })
}
