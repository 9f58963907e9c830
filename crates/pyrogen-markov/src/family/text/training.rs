//! How chains of text train through the door: counting is one step.

use std::sync::Arc;

use pyrogen_core::config;
use pyrogen_data::Data;
use pyrogen_model::train::{Defaults, Job, Plan, Sweeps, Train, Wanted, fit_sweeps, sweeps};
use pyrogen_model::{Error, ErrorKind};
use pyrogen_train::{RunFolder, Values};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::can::named;
use super::{FAMILY, MarkovFamily, MarkovSettings, Saved, TextChain};

/// Documents, and the chain once they are counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Counting {
    saved: Saved,
    counted: bool,
    #[serde(skip)]
    chain: Option<Arc<TextChain>>,
}

fn documents(data: &Data) -> Result<Vec<String>, Error> {
    match data {
        Data::Text(text) => Ok(text.documents().iter().map(ToString::to_string).collect()),
        other => Err(Error::Modality {
            family: FAMILY.into(),
            got: other.modality(),
            takes: "text".into(),
        }),
    }
}

/// Minus the log-likelihood in nats a token.
fn loss(chain: &TextChain, data: &Data) -> Result<f64, Error> {
    let (mut nats, mut tokens) = (0.0, 0usize);
    for document in documents(data)? {
        let logs = chain.log_probabilities(&document).map_err(named)?;
        nats -= logs.iter().sum::<f64>();
        tokens += logs.len();
    }
    Ok(nats / tokens.max(1) as f64)
}

impl Sweeps for Counting {
    fn sweep(&mut self, data: &Data) -> Result<Values, Error> {
        self.saved.documents = documents(data)?;
        let chain = TextChain::new(&self.saved).map_err(named)?;
        let loss = loss(&chain, data)?;
        (self.chain, self.counted) = (Some(Arc::new(chain)), true);
        Ok(vec![("loss".into(), loss)])
    }

    fn measure(&self, data: &Data) -> Values {
        let loss = self.chain.as_ref().and_then(|chain| loss(chain, data).ok());
        vec![("loss".into(), loss.unwrap_or(f64::NAN))]
    }

    fn is_done(&self) -> bool {
        self.counted
    }

    fn exported(&self) -> Result<Value, Error> {
        Ok(config::to_value(&self.saved))
    }
}

impl Train for MarkovFamily {
    fn schema(&self) -> Option<serde_json::Value> {
        Some(schemars::schema_for!(MarkovSettings).to_value())
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let model = config::to_value(&MarkovSettings::default());
        Ok(Defaults { model, train: sweeps(wanted.data.len(), 1) })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        settings.train.validate()?;
        let own: MarkovSettings = config::from_value(settings.model.clone())?;
        own.validate()?;
        let documents = documents(wanted.data)?;
        let tokens: usize = documents.iter().map(|d| own.tokens.split(d).len()).sum();
        if tokens == 0 {
            let message = "every document is empty: there is no token to learn from";
            return Err(Error::other(ErrorKind::Data, message));
        }
        // Runs that are counted, at most.
        let parameters = tokens.saturating_mul(own.order + 1);
        let (model, train) = (config::to_value(&own), settings.train);
        let examples = wanted.data.len();
        Ok(Plan { model, train, preparation: None, parameters, examples })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        if job.from.is_some() {
            let what = "a chain is counted at once: there is nothing to begin from";
            return Err(Error::Wish(what.into()));
        }
        let settings: MarkovSettings = config::from_value(job.plan.model.clone())?;
        let saved = Saved { settings, documents: Vec::new() };
        fit_sweeps(job, Counting { saved, counted: false, chain: None })
    }
}
