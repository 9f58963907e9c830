//! Score and rank.

use pyrogen_core::{Counts, Likelihood, Unit};
use pyrogen_data::Data;
use pyrogen_model::{
    Ability, Control, Error, Likely, OptionSpec, Options, Rank, Ranking, Request, Scored,
};
use serde_json::Map;

use super::super::score::{RANKED_BY, tokens};
use super::super::write::no_condition;
use super::{Encoded, Lenient, PairDoor, encoded, pairs};
use crate::Surprise;

/// Tokens of pairs that are scored between two looks at the control.
const STRETCH: usize = 1 << 17;

fn specs() -> Vec<OptionSpec> {
    let unit = OptionSpec::new("unit", "token", "what rates of the target are given for");
    let mut specs = vec![unit.one_of(["token", "byte"])];
    specs.extend(Lenient::specs());
    specs
}

impl PairDoor {
    /// The surprise of each token of each target.
    pub(super) fn surprise(
        &self,
        encoded: &Encoded,
        control: &Control,
    ) -> Result<Vec<Surprise>, Error> {
        let (sources, targets) = (&encoded.sources, &encoded.targets);
        let meter = control.meter("scored", targets.len() as u64);
        let mut out: Vec<Surprise> = Vec::with_capacity(targets.len());
        while out.len() < targets.len() {
            control.check()?;
            let (from, mut tokens) = (out.len(), 0);
            let fits = |i: &usize| {
                tokens += sources[*i].len() + targets[*i].len();
                tokens <= STRETCH
            };
            let count = (from..targets.len()).take_while(fits).count().max(1);
            let now = from..from + count;
            let part = self.model.surprise(&sources[now.clone()], &targets[now]);
            if part.iter().flat_map(|s| &s.nats).any(|v| !v.is_finite()) {
                return Err(pyrogen_core::NumericalError::Output { what: "the network" }.into());
            }
            out.extend(part);
            meter.add(count as u64);
        }
        Ok(out)
    }

    fn scored(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<(Likelihood, Vec<Surprise>), Error> {
        no_condition(request)?;
        let options = Options::resolve(Ability::Score, &specs(), &request.options)?;
        let pairs = pairs(data)?;
        let surprise =
            self.surprise(&encoded(&self.model, pairs, Lenient::of(&options)?)?, control)?;
        let nats = surprise.iter().map(|s| -s.nats.iter().sum::<f64>()).collect();
        let (unit, counts) = match options.text("unit")? {
            Some("byte") => (Unit::Byte, pairs.targets().iter().map(|t| t.len()).collect()),
            _ => (Unit::Token, surprise.iter().map(|s| s.nats.len()).collect()),
        };
        let likelihood = Likelihood::exact(nats, 1).in_units(unit, Counts::Each(counts));
        Ok((likelihood.conditional(true), surprise))
    }
}

impl Likely for PairDoor {
    fn options(&self) -> Vec<OptionSpec> {
        specs()
    }

    /// `log p(target | source)` of each pair, with the target's end.
    fn score(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        Ok(self.scored(data, request, control)?.0)
    }

    /// Beside each pair: `tokens`, a list of each `token` of the target as a table writes it and its
    /// `nats` (`-ln p` given the source and the tokens before).
    fn detailed(&self, data: &Data, request: &Request, control: &Control) -> Result<Scored, Error> {
        let (likelihood, surprise) = self.scored(data, request, control)?;
        let tokenizer = self.model.tokenizers()[1];
        let one = |s: &Surprise| Map::from_iter([("tokens".to_string(), tokens(tokenizer, s))]);
        Ok(Scored { likelihood, details: surprise.iter().map(one).collect() })
    }

    fn evaluated(&self, _: usize) -> Vec<Options> {
        // A held-out pair may hold what the training pairs do not, and be longer than they are.
        let skip = [("unknown", "skip"), ("long", "cut")];
        let asked = skip.map(|(name, value)| (name.to_string(), value.into()));
        Options::resolve(Ability::Score, &specs(), &Map::from_iter(asked)).into_iter().collect()
    }
}

impl Rank for PairDoor {
    fn name(&self) -> &str {
        RANKED_BY
    }

    fn options(&self) -> Vec<OptionSpec> {
        Lenient::specs().to_vec()
    }

    /// Pairs whose target is unexpected under its source: wrong translations, shifted lines.
    fn rank(&self, data: &Data, request: &Request, control: &Control) -> Result<Ranking, Error> {
        let options = Options::resolve(Ability::Rank, &Lenient::specs(), &request.options)?;
        let encoded = encoded(&self.model, pairs(data)?, Lenient::of(&options)?)?;
        let mean = |s: &Surprise| s.nats.iter().sum::<f64>() / s.nats.len() as f64;
        let scores = self.surprise(&encoded, control)?.iter().map(mean).collect();
        Ok(Ranking { name: RANKED_BY.into(), scores })
    }
}
