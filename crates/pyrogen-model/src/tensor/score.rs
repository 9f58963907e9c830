//! How probable items are.

use std::sync::Arc;

use pyrogen_core::parallel::batches;
use pyrogen_core::{
    Counts, Examples, Likelihood, LikelihoodKind, Noise, Score, ScoreMethod, ScoreOptions, Unit,
};
use pyrogen_data::{Data, Modality, Prepared};
use serde_json::{Map, Value, json};

use super::Frame;
use super::frame::{CHUNK, host};
use crate::{Ability, Control, Error, Likely, OptionSpec, Options, Rank, Ranking, Request};

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
    /// Whether what is given is a density of prepared values, and no bound already.
    pub by_density: bool,
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
        let options = ScoreOptions { draws, method };
        let mut all = self.pass(&data, &options, &noise, control, true)?;
        let spread = self.by_density && self.frame.is_density();
        if spread
            && self.frame.preparation().is_random()
            && all.as_ref().is_some_and(|all| all.kind() != LikelihoodKind::LowerBound)
        {
            let again = self.pass(&data, &options, &noise.fork("again"), control, true)?;
            all = all.zip(again).map(|(a, b)| Likelihood::bound_of_draws(&[a, b]));
        }
        let all = match self.frame.layout().modality() {
            // What a cell of the data costs, whatever it is prepared as.
            Modality::Table => {
                all.map(|l| l.in_units(Unit::Cell, Counts::Same(self.frame.learnt())))
            }
            _ => all,
        };
        let frame = &self.frame;
        let conditional =
            frame.classes().is_some() || frame.context().is_some() || frame.given().is_some();
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

impl<M: Score<2> + Send + Sync + 'static> TensorScore<M> {
    /// Scores of all items with one draw of the noise that the preparation adds; densities are those of
    /// raw values where `raw` says so.
    fn pass(
        &self,
        data: &Prepared<2>,
        options: &ScoreOptions,
        noise: &Noise,
        control: &Control,
        raw: bool,
    ) -> Result<Option<Likelihood>, Error> {
        let n = data.len();
        let meter = control.meter("scored", n as u64);
        let parts = batches(n, CHUNK, self.frame.device(), |rows| {
            control.check()?;
            let (first, count) = (rows.start as u64, rows.len());
            let items = first..first + count.next_multiple_of(SCORED) as u64;
            // Rows beyond those of the data repeat its last and are thrown away.
            let picked: Vec<usize> = items.clone().map(|i| (i as usize).min(n - 1)).collect();
            let (x, condition) =
                self.frame.batch(data, &picked, items.clone(), &noise.fork("data"))?;
            let prepared = (raw && self.frame.is_density()).then(|| host(x.clone()));
            let mut draws_noise = noise.fork("draws").items(items);
            let part = self.model.log_likelihood(x, &condition, options, &mut draws_noise)?;
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
        Ok(all)
    }
}

/// Ranks rows by a density that is no likelihood.
pub(super) struct DensityRank<M> {
    pub score: TensorScore<M>,
}

const DENSITY: &str = "minus the log-density of prepared values in nats";

impl<M: Score<2> + Send + Sync + 'static> Rank for DensityRank<M> {
    fn name(&self) -> &str {
        DENSITY
    }

    fn options(&self) -> Vec<OptionSpec> {
        vec![OptionSpec::new("draws", Value::Null, "random directions of the divergence")]
    }

    fn rank(&self, data: &Data, request: &Request, control: &Control) -> Result<Ranking, Error> {
        let options = Options::resolve(Ability::Rank, &self.options(), &request.options)?;
        let method = ScoreMethod::Estimate;
        let draws = options.count("draws")?;
        let draws = draws.unwrap_or_else(|| (self.score.policy.draws)(method));
        let data = self.score.frame.prepare(data)?;
        let noise = Noise::new(request.seed).fork("rank");
        let options = ScoreOptions { draws, method };
        let found = self.score.pass(&data, &options, &noise, control, false)?;
        let nats = found.map_or(Vec::new(), |found| found.nats().to_vec());
        Ok(Ranking { name: DENSITY.into(), scores: nats.iter().map(|v| -v).collect() })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};
    use pyrogen_core::folder::{Card, ModelFolder};
    use pyrogen_core::{Condition, Describe, ModelError, Seed};
    use pyrogen_data::{Dataset, Preparation, Recipe};

    use super::*;
    use crate::Model;
    use crate::tensor::TensorModel;

    /// The density `2 y` on (0, 1).
    struct Rising;

    impl Describe for Rising {
        fn event_shape(&self) -> Vec<usize> {
            vec![1]
        }
    }

    impl Score<2> for Rising {
        fn log_likelihood(
            &self,
            x: Tensor<2>,
            _: &Condition,
            _: &ScoreOptions,
            _: &mut Noise,
        ) -> Result<Likelihood, ModelError> {
            let nats = host(x).iter().map(|y| (2.0 * f64::from(*y)).ln()).collect();
            Ok(Likelihood::exact(nats, 1))
        }
    }

    fn open(data: &Dataset, recipe: &Recipe) -> Model {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("m");
        let mut card = Card::new("rising", Seed(1));
        card.data = data.card("memory", &Preparation::fit(recipe, data).unwrap());
        ModelFolder::save_json(&path, &1, &serde_json::json!({}), &card).unwrap();
        let folder = ModelFolder::open(&path).unwrap();
        let policy = ScorePolicy { draws: |_| 1, evaluated: |_, _| None };
        let model = TensorModel::new(Rising, 1, true, &folder, &Device::flex()).unwrap();
        model.density(policy).build()
    }

    #[test]
    fn dequantised_whole_numbers_have_a_bound_with_its_error() {
        const N: usize = 2000;
        let ones = Dataset::from_parts(vec![1.0; N], vec![1], None).unwrap();
        let ones = ones.with_levels(2).unwrap();
        let model = open(&ones, &Recipe::Dequantised { logit: None });
        let data = Data::from_dataset(ones);
        let found = model.score(&data, &Request::seed(3), &Control::new()).unwrap();
        assert_eq!(found.kind(), LikelihoodKind::LowerBound);
        // 1 is spread over (1/2, 1): the integral of ln(2 y) over it, twice, less ln 2.
        let bound = std::f64::consts::LN_2 - 1.0;
        let error = found.std_err().unwrap();
        // The standard deviation of ln t with t uniform on (1, 2) is 0.198; two draws of 2,000.
        assert!((error - 0.00313).abs() < 3e-4, "{error}");
        assert!((found.mean_nats() - bound).abs() < 5.0 * error, "{} {bound}", found.mean_nats());
        // It is below the logarithm of the probability, 3/4.
        assert!(found.mean_nats() + 5.0 * error < 0.75f64.ln());
        // Numbers that are not spread have the exact density.
        let halves = Dataset::from_parts(vec![0.5, 0.25, 1.0], vec![1], None).unwrap();
        let model = open(&halves, &Recipe::Raw);
        let found =
            model.score(&Data::from_dataset(halves), &Request::seed(3), &Control::new()).unwrap();
        assert_eq!((found.kind(), found.nats()[0]), (LikelihoodKind::Exact, 0.0));
    }
}
