//! What `model.json` of the family holds, and how data becomes sequences of the model.

use std::collections::HashMap;

use pyrogen_data::{Data, Sequences as DataSequences};
use pyrogen_model::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use super::FAMILY;
use super::settings::EmissionKind;
use crate::hmm::Hmm;
use crate::{MISSING, Sequences};

/// The columns of the sequences, and the symbols where a column is one of symbols.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// Their names.
    pub names: Vec<String>,
    /// The numbers that are symbols, ascending; none for sequences of numbers.
    pub symbols: Option<Vec<f64>>,
    /// The names of the symbols, where they are words: the numbers are their places then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<String>>,
}

/// The sequences that data is.
///
/// # Errors
/// Data that is no sequences.
pub(super) fn sequences(data: &Data) -> Result<&DataSequences, Error> {
    match data {
        Data::Sequences(sequences) => Ok(sequences),
        other => Err(Error::Modality {
            family: FAMILY.into(),
            got: other.modality(),
            takes: "sequences".into(),
        }),
    }
}

/// Steps of all sequences, one behind the other.
fn steps(data: &DataSequences) -> Vec<f64> {
    (0..data.lengths().len()).flat_map(|i| data.sequence(i).iter().copied()).collect()
}

impl Columns {
    /// The columns of data.
    ///
    /// # Errors
    /// Data that is no sequences; symbols that are not one column.
    pub fn of(data: &Data, emission: EmissionKind) -> Result<Self, Error> {
        let data = sequences(data)?;
        let names = data.columns().to_vec();
        if emission != EmissionKind::Categorical {
            let column = (0..names.len()).find_map(|j| Some((j, data.symbols(j)?)));
            return match column {
                None => Ok(Self { names, symbols: None, words: None }),
                Some((j, words)) => Err(no_numbers(&names[j], words)),
            };
        }
        if names.len() != 1 {
            let message = format!(
                "emission=categorical takes sequences of one column of symbols, and this data has {}: {}",
                names.len(),
                names.join(", ")
            );
            return Err(Error::other(ErrorKind::Data, message));
        }
        let mut symbols: Vec<f64> = steps(data).into_iter().filter(|v| !v.is_nan()).collect();
        symbols.sort_by(f64::total_cmp);
        symbols.dedup();
        if symbols.is_empty() {
            let message = format!("column `{}` has no observed value", names[0]);
            return Err(Error::other(ErrorKind::Data, message));
        }
        let words = data
            .symbols(0)
            .map(|all| symbols.iter().map(|v| all[*v as usize].clone()).collect::<Vec<String>>());
        if let Some(words) = &words {
            symbols = (0..words.len()).map(|place| place as f64).collect();
        }
        Ok(Self { names, symbols: Some(symbols), words })
    }

    /// The names of the symbols; empty for sequences of numbers.
    pub fn symbol_names(&self) -> Vec<String> {
        match (&self.words, &self.symbols) {
            (Some(words), _) => words.clone(),
            (None, symbols) => symbols.iter().flatten().map(f64::to_string).collect(),
        }
    }

    /// The symbol of this model for each of another list of words: NaN for one that it does not know.
    fn translated(&self, words: &[String]) -> Vec<f64> {
        let own: HashMap<&String, usize> = self.words.iter().flatten().zip(0..).collect();
        words.iter().map(|word| own.get(word).map_or(f64::NAN, |place| *place as f64)).collect()
    }

    /// The data as the model's sequences. Columns are matched by name.
    ///
    /// # Errors
    /// A column that is not there, or a symbol that training did not see.
    pub fn read(&self, data: &Data) -> Result<Sequences, Error> {
        let data = sequences(data)?;
        let places: Vec<usize> = self
            .names
            .iter()
            .map(|name| {
                data.columns().iter().position(|c| c == name).ok_or_else(|| {
                    let known = data.columns().join(", ");
                    let message = format!("the data has no column `{name}`; it has {known}");
                    Error::other(ErrorKind::Data, message)
                })
            })
            .collect::<Result<_, _>>()?;
        let values = steps(data);
        let width = data.columns().len();
        let own = values.chunks_exact(width).flat_map(|row| places.iter().map(|j| row[*j]));
        let lengths = data.lengths().to_vec();
        let Some(symbols) = &self.symbols else {
            if let Some((name, words)) =
                places.iter().zip(&self.names).find_map(|(&j, name)| Some((name, data.symbols(j)?)))
            {
                return Err(no_numbers(name, words));
            }
            let sequences = Sequences::real(own.collect(), self.names.len(), lengths);
            return sequences.map_err(super::named);
        };
        let words = data.symbols(places[0]);
        if words.is_some() != self.words.is_some() {
            let (expected, got) = match words {
                None => ("words", "numbers"),
                Some(_) => ("numbers", "words"),
            };
            let name = &self.names[0];
            let message =
                format!("column `{name}` must hold {expected}, as in training, got {got}");
            return Err(Error::other(ErrorKind::Data, message));
        }
        let translated = words.map(|words| self.translated(words));
        let code = |v: f64| -> Result<u32, f64> {
            let own = translated.as_ref().map_or(v, |t| t.get(v as usize).copied().unwrap_or(v));
            match v.is_nan() {
                true => Ok(MISSING),
                false => {
                    symbols.binary_search_by(|s| s.total_cmp(&own)).map(|i| i as u32).map_err(|_| v)
                }
            }
        };
        let codes = own.map(code).collect::<Result<Vec<u32>, f64>>();
        let codes = codes.map_err(|v| {
            let mut known = self.symbol_names();
            let more = if known.len() > 20 { ", ..." } else { "" };
            known.truncate(20);
            let symbol = words.map_or(v.to_string(), |words| format!("`{}`", words[v as usize]));
            let message = format!(
                "column `{}`: the symbol {symbol} was not seen in training, which saw {}{more}",
                self.names[0],
                known.join(", ")
            );
            Error::other(ErrorKind::Data, message)
        })?;
        Sequences::symbols(codes, lengths).map_err(super::named)
    }

    /// Rows of the model as sequences of data.
    ///
    /// # Errors
    /// Lengths that do not fit.
    pub fn data(&self, mut values: Vec<f64>, lengths: Vec<usize>) -> Result<Data, Error> {
        if let Some(symbols) = &self.symbols {
            let name = |v: f64| symbols.get(v as usize).copied().unwrap_or(f64::NAN);
            values.iter_mut().filter(|v| !v.is_nan()).for_each(|v| *v = name(*v));
        }
        let sequences = DataSequences::new(self.names.clone(), values, lengths)?;
        Ok(Data::Sequences(match &self.words {
            Some(words) => sequences.with_symbols(0, words.clone())?,
            None => sequences,
        }))
    }
}

/// An error about a column of words where numbers are learnt.
fn no_numbers(name: &str, words: &[String]) -> Error {
    let some: Vec<&str> = words.iter().take(3).map(String::as_str).collect();
    let message = format!(
        "column `{name}` holds words ({}): give id={name} or time={name} if it says where a step belongs, \
         or emission=categorical for symbols",
        some.join(", ")
    );
    Error::other(ErrorKind::Data, message)
}

/// A trained hidden Markov model: its columns, its parameters, and how it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// The columns of the data.
    pub columns: Columns,
    /// The model.
    pub model: Hmm,
    /// Lengths that samples have: those of the training sequences, or some of them.
    pub lengths: Vec<usize>,
    /// The share of each column's values that were missing in training.
    pub missing: Vec<f64>,
    /// Training steps.
    pub steps: usize,
    /// Log-likelihood of the training sequences at the last step of learning, in nats.
    pub log_likelihood: f64,
    /// Whether learning had converged.
    pub converged: bool,
    /// Every start that was fitted, with its value of the criterion.
    pub tried: Vec<Tried>,
    /// States that no training step belongs to, and emissions that a floor holds, at the last step.
    pub weak: Vec<String>,
}

/// A start that was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// Number of states.
    pub states: usize,
    /// Its criterion; lower is better. None where it failed.
    pub criterion: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Saved {
    /// Akaike's criterion of the training sequences.
    pub fn aic(&self) -> f64 {
        -2.0 * self.log_likelihood + 2.0 * self.model.free_parameters() as f64
    }

    /// The Bayesian information criterion of the training sequences, which counts steps.
    pub fn bic(&self) -> f64 {
        let steps = self.steps as f64;
        -2.0 * self.log_likelihood + self.model.free_parameters() as f64 * steps.ln()
    }

    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// What does not.
    pub fn check(&self) -> Result<(), String> {
        self.model.check().map_err(|e| e.to_string())?;
        let width = self.columns.names.len();
        let fits = match (self.model.emission().width(), &self.columns.symbols) {
            (Some(own), None) => own == width,
            (None, Some(symbols)) => width == 1 && self.symbols_of_model() == symbols.len(),
            _ => false,
        };
        let named = self.columns.words.as_ref().map(Vec::len);
        let named = named.is_none_or(|n| Some(n) == self.columns.symbols.as_ref().map(Vec::len));
        if !fits || !named || self.missing.len() != width {
            return Err(format!("the model's emissions do not fit its {width} columns"));
        }
        match self.lengths.is_empty() {
            true => Err("there is no length of samples".into()),
            false => Ok(()),
        }
    }

    fn symbols_of_model(&self) -> usize {
        match self.model.emission() {
            crate::hmm::Emission::Categorical(e) => e.probabilities.first().map_or(0, Vec::len),
            _ => 0,
        }
    }
}
