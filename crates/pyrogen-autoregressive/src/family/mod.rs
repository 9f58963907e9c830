//! How language models join the one door.

mod door;
mod inspect;
mod options;
mod score;
mod seq2seq;
#[cfg(feature = "train")]
mod training;
mod way;
mod write;

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::{Card, ModelFolder};
use pyrogen_data::Modality;
use pyrogen_model::{
    Ability, About, Error, ErrorKind, Family, Model, OptionSpec, Options, Registry,
};

use crate::language::LanguageModel;
use crate::{
    Cell, DecodeError, FAMILY, GptText, Int8Gpt, RECURRENT_FAMILY, RecurrentText, TextModel,
    TokenError, pretrained,
};
use door::Door;
pub use seq2seq::Seq2SeqFamily;

/// The registry with every family of this crate.
pub fn register(registry: Registry) -> Registry {
    registry.with(GptFamily).with(LstmFamily).with(Seq2SeqFamily)
}

/// The family `gpt`.
#[derive(Debug, Clone, Copy)]
pub struct GptFamily;

/// The family `lstm`.
#[derive(Debug, Clone, Copy)]
pub struct LstmFamily;

const TAKES: &[Modality] = &[Modality::Text];

const ABILITIES: [Ability; 7] = [
    Ability::Generate,
    Ability::Complete,
    Ability::Stream,
    Ability::Score,
    Ability::Rank,
    Ability::Query,
    Ability::Inspect,
];

impl Family for GptFamily {
    fn name(&self) -> &'static str {
        FAMILY
    }

    fn about(&self) -> &'static str {
        "transformer that writes text token by token: completes, scores each token, streams"
    }

    fn takes(&self) -> &'static [Modality] {
        TAKES
    }

    fn abilities(&self) -> Vec<Ability> {
        ABILITIES.to_vec()
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["exact"]
    }

    fn anomaly_score(&self) -> Option<&'static str> {
        Some(score::RANKED_BY)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = GptText::load(folder.path(), device)?;
        let parameters = model.num_params();
        Ok(joined(model, FAMILY, "gpt", parameters, folder.path(), folder.card()))
    }

    fn opening(&self) -> Vec<OptionSpec> {
        let about = "how weights are held: int8 takes a quarter of the memory and loses a little";
        vec![OptionSpec::new("weights", "f32", about).one_of(["f32", "int8"])]
    }

    fn open_with(
        &self,
        folder: &ModelFolder,
        device: &Device,
        options: &Options,
    ) -> Result<Model, Error> {
        match options.text("weights")? {
            Some("int8") => {
                let model = GptText::load(folder.path(), device)?;
                Ok(in_int8(model, folder.path(), folder.card()))
            }
            _ => self.open(folder, device),
        }
    }

    fn open_known_with(
        &self,
        path: &Path,
        device: &Device,
        options: &Options,
    ) -> Result<Model, Error> {
        match options.text("weights")? {
            Some("int8") => {
                let model = pretrained::open(path, device);
                let model = model.map_err(|e| Error::other(ErrorKind::Folder, e))?;
                Ok(in_int8(model, path, &pretrained::card(path)))
            }
            _ => self.open_known(path, device),
        }
    }

    fn knows(&self, path: &Path) -> bool {
        pretrained::is_pretrained(path)
    }

    fn open_known(&self, path: &Path, device: &Device) -> Result<Model, Error> {
        let model = pretrained::open(path, device);
        let model = model.map_err(|e| Error::other(ErrorKind::Folder, e))?;
        let parameters = model.num_params();
        Ok(joined(model, FAMILY, "gpt", parameters, path, &pretrained::card(path)))
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}

impl Family for LstmFamily {
    fn name(&self) -> &'static str {
        RECURRENT_FAMILY
    }

    fn about(&self) -> &'static str {
        "recurrent network (LSTM or GRU) that writes text token by token, with no limit of context"
    }

    fn takes(&self) -> &'static [Modality] {
        TAKES
    }

    fn abilities(&self) -> Vec<Ability> {
        ABILITIES.to_vec()
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["exact"]
    }

    fn anomaly_score(&self) -> Option<&'static str> {
        Some(score::RANKED_BY)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = RecurrentText::load(folder.path(), device)?;
        let method = match model.network().config().cell {
            Cell::Lstm => "lstm",
            Cell::Gru => "gru",
        };
        let parameters = model.num_params();
        Ok(joined(model, RECURRENT_FAMILY, method, parameters, folder.path(), folder.card()))
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}

/// A model whose weights are whole numbers of eight bits.
fn in_int8(model: GptText, path: &Path, card: &Card) -> Model {
    let (parameters, tokenizer) = (model.num_params(), model.tokenizer().clone());
    let network = Int8Gpt::of(model.into_network());
    joined(TextModel::new(network, tokenizer), FAMILY, "gpt", parameters, path, card)
}

/// A model with its abilities.
fn joined<N: LanguageModel + 'static>(
    model: TextModel<N>,
    family: &str,
    method: &str,
    parameters: usize,
    path: &Path,
    card: &Card,
) -> Model {
    let about = About { method: method.into(), ..About::new(family, Modality::Text, parameters) };
    let door = Arc::new(Door { model });
    let mut can = pyrogen_model::Capabilities::default();
    can.generate = Some(door.clone());
    can.complete = Some(door.clone());
    can.stream = Some(door.clone());
    can.score = Some(door.clone());
    can.rank = Some(door.clone());
    can.query = Some(door.clone());
    can.inspect = Some(door);
    Model::new(about, path, card.clone(), can)
        .because(Ability::Vary, "complete a part of the text instead")
}

/// An error of decoding in the door's terms.
fn decode(error: DecodeError) -> Error {
    match error {
        DecodeError::Token(error) => token(error),
        DecodeError::Setting { name, expected, got } => Error::option(name, expected, got),
        DecodeError::NoToken => Error::other(ErrorKind::Numerics, error),
        error => Error::other(ErrorKind::Request, error),
    }
}

/// An error of a tokenizer in the door's terms.
fn token(error: TokenError) -> Error {
    Error::other(ErrorKind::Data, error)
}
