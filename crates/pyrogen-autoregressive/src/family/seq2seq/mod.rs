//! How encoders with decoders join the one door.

mod complete;
mod inspect;
mod score;
#[cfg(feature = "train")]
mod training;

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::{Card, ModelFolder};
use pyrogen_data::{Data, Modality, Pairs};
use pyrogen_model::{Ability, About, Error, ErrorKind, Family, Model, OptionSpec, Options};

use crate::{DecodeError, SEQ2SEQ_FAMILY, Seq2SeqText, Tokenizer};

/// The family `seq2seq`.
#[derive(Debug, Clone, Copy)]
pub struct Seq2SeqFamily;

const ABILITIES: [Ability; 4] =
    [Ability::Complete, Ability::Score, Ability::Rank, Ability::Inspect];

impl Family for Seq2SeqFamily {
    fn name(&self) -> &'static str {
        SEQ2SEQ_FAMILY
    }

    fn about(&self) -> &'static str {
        "transformer that reads a text and writes another: translation, summaries, letters to sounds"
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Pairs]
    }

    fn abilities(&self) -> Vec<Ability> {
        ABILITIES.to_vec()
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["exact"]
    }

    fn anomaly_score(&self) -> Option<&'static str> {
        Some(super::score::RANKED_BY)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = Seq2SeqText::load(folder.path(), device)?;
        Ok(joined(model, folder.path(), folder.card()))
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}

/// A model behind the door.
struct PairDoor {
    model: Seq2SeqText,
}

fn joined(model: Seq2SeqText, path: &Path, card: &Card) -> Model {
    let about = About::new(SEQ2SEQ_FAMILY, Modality::Pairs, model.num_params());
    let door = Arc::new(PairDoor { model });
    let mut can = pyrogen_model::Capabilities::default();
    can.complete = Some(door.clone());
    can.score = Some(door.clone());
    can.rank = Some(door.clone());
    can.inspect = Some(door);
    let why = "it writes under a source: complete one (`pyrogen complete DIR --prompt TEXT`)";
    Model::new(about, path, card.clone(), can)
        .because(Ability::Generate, why)
        .because(Ability::Stream, why)
        .because(Ability::Vary, why)
}

/// The pairs of data.
///
/// # Errors
/// Data that is no pairs, or no pairs.
fn pairs(data: &Data) -> Result<&Pairs, Error> {
    let Data::Pairs(pairs) = data else {
        let (family, takes) = (SEQ2SEQ_FAMILY.into(), "pairs".into());
        return Err(Error::Modality { family, got: data.modality(), takes });
    };
    if pairs.sources().is_empty() {
        return Err(Error::Wish("there are no pairs".into()));
    }
    Ok(pairs)
}

/// An error of one of several texts.
fn of_item(what: &str, i: usize, error: DecodeError) -> Error {
    match super::decode(error) {
        error if error.kind() == ErrorKind::Numerics => error,
        error => Error::other(ErrorKind::Data, format!("{what} {}: {error}", i + 1)),
    }
}

/// What becomes of what a model cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lenient {
    /// What the vocabularies do not have is left out.
    unknown: bool,
    /// What is beyond the contexts is cut off.
    long: bool,
}

impl Lenient {
    fn specs() -> [OptionSpec; 2] {
        let about = "characters or words that a vocabulary does not have";
        let unknown = OptionSpec::new("unknown", "refuse", about).one_of(["refuse", "skip"]);
        let about = "texts that are longer than the model reads";
        [unknown, OptionSpec::new("long", "refuse", about).one_of(["refuse", "cut"])]
    }

    fn of(options: &Options) -> Result<Self, Error> {
        let unknown = options.text("unknown")? == Some("skip");
        Ok(Self { unknown, long: options.text("long")? == Some("cut") })
    }
}

/// Reads texts as tokens.
struct Reader<'a> {
    model: &'a Seq2SeqText,
    lenient: Lenient,
    /// Characters or words that were left out.
    unknown: usize,
    /// Texts of which the end was cut off.
    cut: usize,
}

impl<'a> Reader<'a> {
    fn new(model: &'a Seq2SeqText, lenient: Lenient) -> Self {
        Self { model, lenient, unknown: 0, cut: 0 }
    }

    /// So many tokens of a text at most, where it may be cut off.
    fn tokens(
        &mut self,
        tokenizer: &Tokenizer,
        text: &str,
        most: usize,
    ) -> Result<Vec<u32>, DecodeError> {
        let mut tokens = match tokenizer.encode(text) {
            Err(error) if !self.lenient.unknown => return Err(error.into()),
            _ => {
                let (tokens, unknown) = tokenizer.encode_known(text);
                self.unknown += unknown;
                tokens
            }
        };
        if self.lenient.long && tokens.len() > most {
            tokens.truncate(most);
            self.cut += 1;
        }
        Ok(tokens)
    }

    /// A source, with its end.
    fn source(&mut self, text: &str) -> Result<Vec<u32>, DecodeError> {
        let model = self.model;
        let (tokenizer, config) = (model.tokenizers()[0], model.network().config());
        let tokens = self.tokens(tokenizer, text, config.source_context - 1)?;
        match tokens.is_empty() && !text.trim().is_empty() {
            // Nothing of it is known: its end alone.
            true => Ok(vec![tokenizer.end()]),
            false => model.framed_source(tokens),
        }
    }

    fn target(&mut self, text: &str) -> Result<Vec<u32>, DecodeError> {
        let model = self.model;
        let context = model.network().config().context;
        let target = self.tokens(model.tokenizers()[1], text, context - 1)?;
        match target.len() + 1 {
            tokens if tokens > context => Err(DecodeError::LongTarget { tokens, context }),
            _ => Ok(target),
        }
    }
}

/// Pairs as tokens.
struct Encoded {
    /// With their ends.
    sources: Vec<Vec<u32>>,
    targets: Vec<Vec<u32>>,
    /// What was left out, and how many texts were cut off.
    unknown: usize,
    cut: usize,
}

/// The tokens of pairs.
///
/// # Errors
/// A text that the model cannot read, unless it is lenient; the message names the pair.
fn encoded(model: &Seq2SeqText, pairs: &Pairs, lenient: Lenient) -> Result<Encoded, Error> {
    let mut reader = Reader::new(model, lenient);
    let (mut sources, mut targets) = (Vec::new(), Vec::new());
    for (i, (source, target)) in pairs.sources().iter().zip(pairs.targets()).enumerate() {
        let wrong = |error| of_item("pair", i, error);
        sources.push(reader.source(source).map_err(wrong)?);
        targets.push(reader.target(target).map_err(wrong)?);
    }
    let Reader { unknown, cut, .. } = reader;
    Ok(Encoded { sources, targets, unknown, cut })
}
