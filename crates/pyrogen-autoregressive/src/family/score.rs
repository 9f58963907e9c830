//! Score, rank and query.

use pyrogen_core::{Counts, Likelihood, Unit};
use pyrogen_data::Data;
use pyrogen_model::{
    Ability, Control, Error, Likely, Marginal, OptionSpec, Options, Query, Rank, Ranking, Request,
    Scored,
};
use serde_json::{Map, Value, json};

use super::door::{Door, known, text};
use crate::language::{LanguageModel, Start};
use crate::sampling::probabilities;
use crate::{Packed, Surprise};

/// What anomalies are ranked by.
pub(super) const RANKED_BY: &str = "nats per token";

/// Tokens of documents that are scored between two looks at the control.
const STRETCH: usize = 1 << 17;

/// Next tokens that an answer lists; the rest is one entry.
const LISTED: usize = 256;

/// Each token as a table writes it, and its nats.
pub(super) fn tokens(tokenizer: &crate::Tokenizer, surprise: &Surprise) -> Value {
    let each = surprise.tokens.iter().zip(&surprise.nats);
    each.map(|(&t, nats)| json!({"token": tokenizer.label(t), "nats": nats})).collect()
}

fn stride() -> OptionSpec {
    let about = "tokens that a window adds; fewer cost time and give each token more context";
    OptionSpec::new("stride", Value::Null, about)
}

fn specs() -> Vec<OptionSpec> {
    let unit = OptionSpec::new("unit", "token", "what rates are given for");
    let about = "characters or words that the vocabulary does not have";
    let unknown = OptionSpec::new("unknown", "refuse", about).one_of(["refuse", "skip"]);
    vec![unit.one_of(["token", "byte"]), stride(), unknown]
}

impl<N: LanguageModel> Door<N> {
    /// The surprise of each token of each document.
    pub(super) fn surprise(
        &self,
        documents: &[Vec<u32>],
        stride: Option<usize>,
        control: &Control,
    ) -> Result<Vec<Surprise>, Error> {
        let stride = stride.unwrap_or_else(|| self.model.default_stride());
        let meter = control.meter("scored", documents.len() as u64);
        let mut out = Vec::with_capacity(documents.len());
        let mut rest = documents;
        while !rest.is_empty() {
            control.check()?;
            let mut tokens = 0;
            let fits = |document: &&Vec<u32>| {
                tokens += document.len();
                tokens <= STRETCH
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (now, behind) = rest.split_at(count);
            let part = self.model.surprise(now, stride);
            if part.iter().flat_map(|s| &s.nats).any(|v| !v.is_finite()) {
                return Err(pyrogen_core::NumericalError::Output { what: "the network" }.into());
            }
            out.extend(part);
            meter.add(count as u64);
            rest = behind;
        }
        Ok(out)
    }
}

impl<N: LanguageModel> Likely for Door<N> {
    fn options(&self) -> Vec<OptionSpec> {
        specs()
    }

    fn score(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        Ok(self.scored(data, request, control)?.0)
    }

    /// Beside each text: `tokens`, a list of each `token` as a table writes it and its `nats`
    /// (`-ln p` given the tokens before).
    fn detailed(&self, data: &Data, request: &Request, control: &Control) -> Result<Scored, Error> {
        let (likelihood, surprise) = self.scored(data, request, control)?;
        let tokenizer = self.model.tokenizer();
        let one = |s: &Surprise| Map::from_iter([("tokens".to_string(), tokens(tokenizer, s))]);
        let details = surprise.iter().map(one).collect();
        Ok(Scored { likelihood, details })
    }

    fn evaluated(&self, _: usize) -> Vec<Options> {
        // A held-out text may hold a character that the training text does not.
        let mut asked = Map::new();
        asked.insert("unknown".into(), "skip".into());
        Options::resolve(Ability::Score, &specs(), &asked).into_iter().collect()
    }
}

impl<N: LanguageModel> Door<N> {
    /// The likelihood of texts, and the surprise of their tokens.
    fn scored(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<(Likelihood, Vec<Surprise>), Error> {
        let options = Options::resolve(Ability::Score, &specs(), &request.options)?;
        let text = text(data)?;
        let documents = match options.text("unknown")? {
            Some("skip") => known(text, self.model.tokenizer()).0,
            _ => self.tokens(text)?,
        };
        let surprise = self.surprise(&documents, options.count("stride")?, control)?;
        let nats = surprise.iter().map(|s| -s.nats.iter().sum::<f64>()).collect();
        let (unit, counts) = match options.text("unit")? {
            Some("byte") => (Unit::Byte, text.documents().iter().map(|d| d.len()).collect()),
            _ => (Unit::Token, surprise.iter().map(|s| s.nats.len()).collect()),
        };
        Ok((Likelihood::exact(nats, 1).in_units(unit, Counts::Each(counts)), surprise))
    }
}

impl<N: LanguageModel> Rank for Door<N> {
    fn name(&self) -> &str {
        RANKED_BY
    }

    fn options(&self) -> Vec<OptionSpec> {
        vec![stride()]
    }

    fn rank(&self, data: &Data, request: &Request, control: &Control) -> Result<Ranking, Error> {
        let options = Options::resolve(Ability::Rank, &[stride()], &request.options)?;
        let documents = self.tokens(text(data)?)?;
        let surprise = self.surprise(&documents, options.count("stride")?, control)?;
        let mean = |s: &Surprise| s.nats.iter().sum::<f64>() / s.nats.len().max(1) as f64;
        Ok(Ranking { name: RANKED_BY.into(), scores: surprise.iter().map(mean).collect() })
    }
}

impl<N: LanguageModel> Query for Door<N> {
    /// The distribution of the next token of each text.
    fn query(
        &self,
        evidence: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Vec<(String, Marginal)>>, Error> {
        Options::resolve(Ability::Query, &[], &request.options)?;
        let documents = self.tokens(text(evidence)?)?;
        let answer = |document: &Vec<u32>| {
            control.check()?;
            Ok(vec![("next".to_string(), self.next(document)?)])
        };
        documents.iter().map(answer).collect()
    }
}

impl<N: LanguageModel> Door<N> {
    fn next(&self, document: &[u32]) -> Result<Marginal, Error> {
        let (network, tokenizer) = (self.model.network(), self.model.tokenizer());
        let mut tokens = vec![tokenizer.start()];
        tokens.extend_from_slice(document);
        let longest = network.context().unwrap_or(usize::MAX).min(tokens.len());
        let part = &tokens[tokens.len() - longest..];
        let rows = network.unit();
        let mut state = network.start(Start { rows, longest });
        let logits = network.advance(&Packed::new(part.repeat(rows), longest), &mut state);
        let mut logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
        logits.truncate(tokenizer.tokens());
        if !network.ends() {
            logits[tokenizer.end() as usize] = f32::NEG_INFINITY;
        }
        let p = probabilities(&logits)
            .ok_or(pyrogen_core::NumericalError::Output { what: "the network" })?;
        let mut order: Vec<usize> = (0..p.len()).filter(|&t| p[t] > 0.0).collect();
        order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
        let rest: f64 = order.iter().skip(LISTED).map(|&t| p[t]).sum();
        order.truncate(LISTED);
        let mut values: Vec<String> = order.iter().map(|&t| tokenizer.label(t as u32)).collect();
        let mut probabilities: Vec<f64> = order.iter().map(|&t| p[t]).collect();
        if rest > 0.0 {
            values.push("<other>".into());
            probabilities.push(rest);
        }
        Ok(Marginal::Discrete { values, probabilities })
    }
}
