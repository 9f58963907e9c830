//! How probable items are.

use std::sync::Arc;

use pyrogen_core::parallel::batches;
use pyrogen_core::{Counts, Examples, Likelihood, Noise, Score, ScoreMethod, ScoreOptions, Unit};
use pyrogen_data::{Data, Modality};
use serde_json::{Map, Value, json};

use super::Frame;
use super::frame::{CHUNK, host};
use crate::{Ability, Control, Error, Likely, OptionSpec, Options, Request};

/// Draws of a family's scores.
#[derive(Debug, Clone, Copy)]
pub struct ScorePolicy {
    /// Draws where nothing is said.
    pub draws: fn(ScoreMethod) -> usize,
    /// Draws in an evaluation, of so many at most; None leaves the score out.
    pub evaluated: fn(ScoreMethod, usize) -> Option<usize>,
}

impl Default for ScorePolicy {
    /// 128 draws; an evaluation's bound averages few draws well, an estimate needs many.
    fn default() -> Self {
        Self {
            draws: |_| 128,
            evaluated: |method, draws| {
                Some(if method == ScoreMethod::LowerBound { draws.min(8) } else { draws })
            },
        }
    }
}

pub(super) struct TensorScore<M> {
    pub model: Arc<M>,
    pub frame: Frame,
    pub policy: ScorePolicy,
}

/// Rows that are scored at once are a multiple of this: the gradients of an ODE's divergence have
/// kernels of their own for up to sixteen rows.
const SCORED: usize = 32;

const ESTIMATE: &str = "estimate";
const LOWER_BOUND: &str = "lower_bound";

impl<M: Score<2> + Send + Sync + 'static> Likely for TensorScore<M> {
    fn options(&self) -> Vec<OptionSpec> {
        let method = "which number, where the likelihood is not tractable: the best estimate, or a \
                      bound";
        let draws = "draws an item: of latents, of a chain's steps, of directions in an ODE; null \
                     is the family's choice";
        vec![
            OptionSpec::new("method", ESTIMATE, method).one_of([ESTIMATE, LOWER_BOUND]),
            OptionSpec::new("draws", Value::Null, draws),
        ]
    }

    fn score(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        let options = Options::resolve(Ability::Score, &self.options(), &request.options)?;
        let method = match options.text("method")? {
            Some(LOWER_BOUND) => ScoreMethod::LowerBound,
            _ => ScoreMethod::Estimate,
        };
        let draws = options.count("draws")?.unwrap_or_else(|| (self.policy.draws)(method));
        let data = self.frame.prepare(data)?;
        let noise = Noise::new(request.seed).fork("score");
        let n = data.len();
        let meter = control.meter("scored", n as u64);
        let parts = batches(n, CHUNK, self.frame.device(), |rows| {
            control.check()?;
            let (first, count) = (rows.start as u64, rows.len());
            let items = first..first + count.next_multiple_of(SCORED) as u64;
            // Rows beyond those of the data repeat its last and are thrown away.
            let picked: Vec<usize> = items.clone().map(|i| (i as usize).min(n - 1)).collect();
            let (x, condition) =
                self.frame.batch(&data, &picked, items.clone(), &noise.fork("data"))?;
            let prepared = self.frame.is_density().then(|| host(x.clone()));
            let mut draws_noise = noise.fork("draws").items(items);
            let options = ScoreOptions { draws, method };
            let part = self.model.log_likelihood(x, &condition, &options, &mut draws_noise)?;
            meter.add(count as u64);
            let part = match prepared {
                Some(prepared) => part.shifted(&self.frame.preparation().log_det(&prepared)),
                None => part,
            };
            Ok::<_, Error>(part.rows(0..count))
        });
        let mut all: Option<Likelihood> = None;
        for part in parts {
            let part = part?;
            match &mut all {
                Some(all) => all.extend(part),
                None => all = Some(part),
            }
        }
        let all = match self.frame.layout().modality() {
            // What a cell of the data costs, whatever it is prepared as.
            Modality::Table => {
                all.map(|l| l.in_units(Unit::Cell, Counts::Same(self.frame.layout().width())))
            }
            _ => all,
        };
        let conditional = self.frame.classes().is_some() || self.frame.context().is_some();
        let all = all.map(|all| all.conditional(conditional));
        all.ok_or_else(|| Error::Wish("the data is empty: there is nothing to score".into()))
    }

    fn evaluated(&self, draws: usize) -> Vec<Options> {
        let methods = [(ScoreMethod::LowerBound, LOWER_BOUND), (ScoreMethod::Estimate, ESTIMATE)];
        let options = methods.into_iter().filter_map(|(method, name)| {
            let draws = (self.policy.evaluated)(method, draws)?;
            let given: Map<String, Value> =
                json!({"method": name, "draws": draws}).as_object().cloned().unwrap_or_default();
            Options::resolve(Ability::Score, &self.options(), &given).ok()
        });
        options.collect()
    }
}
