//! What a hidden Markov model can do.

use std::ops::Range;

use pyrogen_core::{Counts, Likelihood, Noise, Unit};
use pyrogen_data::Data;
use pyrogen_model::{
    Ability, Assign, Assignment, Control, Error, Generate, Likely, Marginal, OptionSpec, Options,
    Query, Request, host,
};
use serde_json::Value;

use super::named;
use super::saved::Saved;
use crate::Sequences;
use crate::hmm::{Cell, Start};

/// A hidden Markov model behind the door.
pub(super) struct Regimes(pub Saved);

/// The most steps of a sample whose length is not asked for.
const LONGEST: usize = 1000;

impl Regimes {
    pub(super) fn read(&self, data: &Data) -> Result<Sequences, Error> {
        if data.is_empty() {
            return Err(Error::Wish("the data is empty".into()));
        }
        self.0.columns.read(data)
    }

    /// A state by its number, counted from 1; none for null.
    fn state(&self, options: &Options) -> Result<Option<usize>, Error> {
        let Some(state) = options.count("state")? else { return Ok(None) };
        let states = self.0.model.states();
        match state <= states {
            true => Ok(Some(state - 1)),
            false => Err(Error::option("state", format!("a state from 1 to {states}"), state)),
        }
    }
}

impl Generate for Regimes {
    fn options(&self) -> Vec<OptionSpec> {
        vec![
            OptionSpec::new(
                "length",
                Value::Null,
                "steps of each sequence; null draws a length of the training sequences, at most 1000",
            ),
            OptionSpec::new(
                "state",
                Value::Null,
                "the state that sequences start in, counted from 1",
            ),
            OptionSpec::new(
                "missing",
                true,
                "whether values go missing as often as in the training data, column by column",
            ),
        ]
    }

    fn generate(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options =
            Options::resolve(Ability::Generate, &Generate::options(self), &request.options)?;
        host::unconditional(request)?;
        let fixed = options.count("length")?;
        let start = self.state(&options)?.map_or(Start::Model, Start::State);
        let holes = options
            .get("missing")
            .as_bool()
            .ok_or_else(|| Error::option("missing", "true or false", options.get("missing")))?;
        let noise = Noise::new(request.seed).fork("samples");
        let width = self.0.columns.names.len();
        let drawn = host::each(items, "drawn", control, |item| {
            let mut own = noise.fork("lengths").fork_index(item);
            let length = fixed.unwrap_or_else(|| {
                let lengths = &self.0.lengths;
                let place = (own.uniform_vec(1)[0] * lengths.len() as f64) as usize;
                lengths[place.min(lengths.len() - 1)].min(LONGEST)
            });
            let sampled = self.0.model.sample(&noise, item as usize, length, start, &[]);
            let mut values = sampled.map_err(named)?.values;
            if holes && self.0.missing.iter().any(|p| *p > 0.0) {
                let draws = noise.fork("missing").fork_index(item).uniform_vec(values.len());
                for (place, (value, u)) in values.iter_mut().zip(draws).enumerate() {
                    if u < self.0.missing[place % width] {
                        *value = f64::NAN;
                    }
                }
            }
            Ok((values, length))
        })?;
        let (values, lengths): (Vec<Vec<f64>>, Vec<usize>) = drawn.into_iter().unzip();
        self.0.columns.data(values.concat(), lengths)
    }
}

impl Likely for Regimes {
    /// Minus infinity for a sequence that the model cannot have made.
    fn score(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        Options::resolve(Ability::Score, &[], &request.options)?;
        control.check()?;
        let data = self.read(data)?;
        let meter = control.meter("scored", data.len() as u64);
        let scores = self.0.model.scores(&data).map_err(named)?;
        meter.add(data.len() as u64);
        let nats = scores.iter().map(|s| s.log_likelihood).collect();
        let steps = (0..data.len()).map(|i| data.length(i)).collect();
        Ok(Likelihood::exact(nats, 1).in_units(Unit::Step, Counts::Each(steps)))
    }
}

impl Assign for Regimes {
    fn options(&self) -> Vec<OptionSpec> {
        let about = "the most probable path, or the most probable state of each step";
        vec![OptionSpec::new("path", "viterbi", about).one_of(["viterbi", "posterior"])]
    }

    /// The most probable path of states (option `path`: `viterbi`), or the most probable state of each
    /// step (`posterior`), with the probability of each state at each step.
    fn assign(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Assignment, Error> {
        let options = Options::resolve(Ability::Assign, &Assign::options(self), &request.options)?;
        control.check()?;
        let data = self.read(data)?;
        let model = &self.0.model;
        let posteriors = model.posteriors(&data).map_err(named)?;
        let most = |row: &Vec<f64>| {
            (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best }) as u32
        };
        let assigned = match options.text("path")? {
            Some("posterior") => {
                posteriors.iter().map(|steps| steps.iter().map(most).collect()).collect()
            }
            _ => {
                let paths = model.viterbi(&data).map_err(named)?;
                paths.iter().map(|p| p.states.iter().map(|s| *s as u32).collect()).collect()
            }
        };
        Ok(Assignment {
            what: "state".into(),
            names: (1..=model.states()).map(|k| k.to_string()).collect(),
            assigned,
            probabilities: posteriors.into_iter().map(|steps| steps.concat()).collect(),
        })
    }
}

impl Query for Regimes {
    fn options(&self) -> Vec<OptionSpec> {
        let about =
            "steps behind each sequence; null is none where a value is missing, and else one";
        vec![OptionSpec::new("steps", Value::Null, about)]
    }

    /// The distribution of what is missing in each sequence, and of the `steps` that follow it; one step
    /// where nothing is missing and nothing is said. Names are `step 3: x`, steps counted from 1.
    fn query(
        &self,
        evidence: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Vec<(String, Marginal)>>, Error> {
        let options = Options::resolve(Ability::Query, &Query::options(self), &request.options)?;
        let steps = match options.get("steps").as_u64() {
            Some(0) => Some(0),
            _ => options.count("steps")?,
        };
        let data = self.read(evidence)?;
        host::each(0..data.len() as u64, "answered", control, |i| {
            let i = i as usize;
            let missing = self.0.model.missing(&data, i).map_err(named)?;
            let ahead = steps.unwrap_or(usize::from(missing.is_empty()));
            let forecast = self.0.model.ahead(&data, i, ahead).map_err(named)?;
            let mut found: Vec<(String, Marginal)> = Vec::new();
            let mut add = |step: usize, column: usize, cell: Cell| {
                let name = format!("step {}: {}", step + 1, self.0.columns.names[column]);
                found.push((name, self.marginal(cell)));
            };
            missing.into_iter().for_each(|m| add(m.step, m.column, m.cell));
            for (t, row) in forecast.into_iter().enumerate() {
                let step = data.length(i) + t;
                row.into_iter().enumerate().for_each(|(column, cell)| add(step, column, cell));
            }
            Ok(found)
        })
    }
}

impl Regimes {
    fn marginal(&self, cell: Cell) -> Marginal {
        match cell {
            Cell::Number { mean, std } => Marginal::Continuous { mean, std },
            Cell::Symbol(probabilities) => {
                Marginal::Discrete { values: self.0.columns.symbol_names(), probabilities }
            }
        }
    }
}
