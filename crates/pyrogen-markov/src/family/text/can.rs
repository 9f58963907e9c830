//! What a chain of text can do.

use pyrogen_core::{Counts, Likelihood, Unit};
use pyrogen_data::{Data, Text};
use pyrogen_model::{
    Ability, Control, Error, ErrorKind, Finding, Inspect, Likely, Marginal, OptionSpec, Options,
    Query, Request, host,
};
use serde_json::{Value, json};

use super::FAMILY;
use super::chain::TextChain;
use super::settings::SmoothingKind;
use crate::MarkovError;

/// A chain behind the door.
pub(super) struct Texts(pub TextChain);

/// An error of the chains in the door's terms.
pub(super) fn named(error: MarkovError) -> Error {
    match error {
        MarkovError::Config(e) => e.into(),
        MarkovError::Request { .. } => Error::other(ErrorKind::Request, error),
        _ => Error::other(ErrorKind::Data, error),
    }
}

pub(super) fn documents(data: &Data) -> Result<&Text, Error> {
    match data {
        Data::Text(text) if text.documents().is_empty() => {
            Err(Error::Wish("the data is empty".into()))
        }
        Data::Text(text) => Ok(text),
        other => Err(Error::Modality {
            family: FAMILY.into(),
            got: other.modality(),
            takes: "text".into(),
        }),
    }
}

impl Likely for Texts {
    fn options(&self) -> Vec<OptionSpec> {
        let about =
            "what a text is made of in rates: tokens, ends of documents with them, or bytes";
        vec![OptionSpec::new("unit", "token", about).one_of(["token", "byte"])]
    }

    fn score(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        let options = Options::resolve(Ability::Score, &Likely::options(self), &request.options)?;
        let texts = documents(data)?.documents();
        let bytes = options.text("unit")? == Some("byte");
        let scored = host::each(0..texts.len() as u64, "scored", control, |i| {
            let text = &texts[i as usize];
            let logs = self.0.log_probabilities(text).map_err(named)?;
            let units = if bytes { text.len() } else { logs.len() };
            Ok((logs.iter().sum::<f64>(), units))
        })?;
        let (nats, units): (Vec<f64>, Vec<usize>) = scored.into_iter().unzip();
        let unit = if bytes { Unit::Byte } else { Unit::Token };
        Ok(Likelihood::exact(nats, 1).in_units(unit, Counts::Each(units)))
    }

    fn evaluated(&self, _: usize) -> Vec<Options> {
        let resolve = |unit: &str| {
            let given = json!({"unit": unit}).as_object().cloned().unwrap_or_default();
            Options::resolve(Ability::Score, &Likely::options(self), &given).ok()
        };
        ["token", "byte"].into_iter().filter_map(resolve).collect()
    }
}

/// What stands for all tokens that are not listed.
const OTHERS: &str = "(other tokens)";

impl Query for Texts {
    fn options(&self) -> Vec<OptionSpec> {
        vec![OptionSpec::new("top", 20, "how many of the most probable tokens are listed")]
    }

    /// The most probable next tokens after each text, `top` of them, the most probable first, under the
    /// name `next`; behind them what all others have together, tokens that training did not see with
    /// them. The end of the document is the empty value.
    fn query(
        &self,
        evidence: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Vec<(String, Marginal)>>, Error> {
        let options = Options::resolve(Ability::Query, &Query::options(self), &request.options)?;
        let top = options.count("top")?.unwrap_or(usize::MAX);
        let texts = documents(evidence)?.documents();
        host::each(0..texts.len() as u64, "answered", control, |i| {
            let (body, _) = self.prompt(&texts[i as usize]);
            let context = self.0.context(&self.0.read(body));
            let p = self.0.distribution(&context);
            let mut order: Vec<usize> = (0..p.len()).collect();
            order.sort_by(|a, b| p[*b].total_cmp(&p[*a]).then(a.cmp(b)));
            order.truncate(top);
            let name = |symbol: &usize| match *symbol < self.0.vocabulary() {
                true => String::from_utf8_lossy(self.0.token(*symbol as u32)).into_owned(),
                false => String::new(),
            };
            let mut values: Vec<String> = order.iter().map(name).collect();
            let mut probabilities: Vec<f64> =
                order.iter().map(|s| p[*s] * (1.0 - self.0.unknown())).collect();
            let rest = 1.0 - probabilities.iter().sum::<f64>();
            if order.len() < p.len() || self.0.unknown() > 0.0 {
                values.push(OTHERS.into());
                probabilities.push(rest.max(0.0));
            }
            Ok(vec![("next".into(), Marginal::Discrete { values, probabilities })])
        })
    }
}

impl Inspect for Texts {
    fn inspect(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Finding>, Error> {
        Options::resolve(Ability::Inspect, &[], &request.options)?;
        control.check()?;
        let texts = documents(data)?.documents();
        let tokens: Vec<Option<u32>> = texts.iter().flat_map(|t| self.0.read(t)).collect();
        let new = tokens.iter().filter(|id| id.is_none()).count();
        let settings = self.0.settings();
        let one = settings.tokens.one();
        let text = format!(
            "{} {one}s were learnt from, {} different ones, in {} distinct runs of up to {}; {new} of \
             {} {one}s of this data are new ({:.2} %, expected {:.2} %).",
            self.0.tokens(),
            self.0.vocabulary(),
            self.0.runs(),
            settings.order + 1,
            tokens.len(),
            100.0 * new as f64 / tokens.len().max(1) as f64,
            100.0 * self.0.unknown()
        );
        let value = json!({
            "tokens": self.0.tokens(),
            "vocabulary": self.0.vocabulary(),
            "runs": self.0.runs(),
            "new": new,
            "expected_new_share": self.0.unknown(),
        });
        let mut findings = vec![Finding {
            name: "chain".into(),
            title: "Tokens and runs".into(),
            text,
            warning: false,
            value,
        }];
        if settings.smoothing == SmoothingKind::None {
            let text = "Without smoothing, what was never seen after a context is impossible: most new \
                        texts have a log-likelihood of minus infinity.";
            findings.push(Finding {
                name: "unsmoothed".into(),
                title: "No smoothing".into(),
                text: text.into(),
                warning: true,
                value: Value::Null,
            });
        }
        Ok(findings)
    }
}
