//! A hidden Markov model over sequences of different lengths, with a Gaussian a state.

use std::f64::consts::TAU;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::{ConfigError, Counts, Likelihood, Noise, Unit};
use pyrogen::data::{Data, Items, Modality, Sequences};
use pyrogen::model::train::{Defaults, Job, Plan, Sweeps, Train, Wanted, fit_sweeps};
use pyrogen::model::{
    Ability, Assign, Assignment, Capabilities, Control, Error, Family, Generate, Likely, Model,
    OptionSpec, Options, Request, count,
};
use pyrogen::train::{RunFolder, Values};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A hidden Markov model: in state k each column is a Gaussian of its own; a missing number says
/// nothing of the state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct States {
    columns: Vec<String>,
    start: Vec<f64>,
    /// From state, to state.
    moves: Vec<Vec<f64>>,
    mean: Vec<Vec<f64>>,
    variance: Vec<Vec<f64>>,
    /// Steps of a drawn sequence: the mean of the training data.
    steps: usize,
}

fn sequences(data: &Data) -> Result<&Sequences, Error> {
    match data {
        Data::Sequences(sequences) => Ok(sequences),
        other => Err(super::wrong("states", Modality::Sequences, other)),
    }
}

fn normalised(mut row: Vec<f64>) -> Vec<f64> {
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|v| *v /= sum);
    row
}

/// Probabilities of the states at each step, before and after the rest of the sequence is known.
struct Passes {
    nats: f64,
    /// p(state at t | steps to t).
    filtered: Vec<Vec<f64>>,
    /// p(state at t | all steps).
    smoothed: Vec<Vec<f64>>,
    /// p(state at t + 1 | steps to t).
    predicted: Vec<Vec<f64>>,
}

impl States {
    /// States that begin at the quantiles of the data.
    fn start(data: &Data, states: usize) -> Result<Self, Error> {
        let all = sequences(data)?;
        let (width, n) = (all.columns().len(), all.len().max(1));
        let (mut mean, mut variance) = (vec![vec![0.0; width]; states], Vec::new());
        for j in 0..width {
            let steps = (0..all.len()).flat_map(|i| all.sequence(i).iter().skip(j).step_by(width));
            let mut cells: Vec<f64> = steps.copied().filter(|v| !v.is_nan()).collect();
            cells.sort_by(f64::total_cmp);
            let m = cells.iter().sum::<f64>() / cells.len() as f64;
            let v = cells.iter().map(|x| (x - m).powi(2)).sum::<f64>() / cells.len() as f64;
            if v.is_nan() || v <= 0.0 {
                let name = &all.columns()[j];
                return Err(super::refused(format!("column `{name}` is empty or constant")));
            }
            let place = |k: usize| cells[(2 * k + 1) * cells.len() / (2 * states)];
            mean.iter_mut().enumerate().for_each(|(k, means)| means[j] = place(k));
            variance.push(v);
        }
        let stay = |k: usize| normalised((0..states).map(|l| 1.0 + f64::from(k == l)).collect());
        Ok(Self {
            columns: all.columns().to_vec(),
            start: vec![1.0 / states as f64; states],
            moves: (0..states).map(stay).collect(),
            mean,
            variance: vec![variance; states],
            steps: (all.lengths().iter().sum::<usize>() / n).max(1),
        })
    }

    /// log p(step | state).
    fn emission(&self, step: &[f64], k: usize) -> f64 {
        let of = |j: usize| {
            let (error, variance) = (step[j] - self.mean[k][j], self.variance[k][j]);
            -0.5 * ((TAU * variance).ln() + error * error / variance)
        };
        (0..step.len()).filter(|&j| !step[j].is_nan()).map(of).sum()
    }

    fn passes(&self, sequence: &[f64]) -> Passes {
        let states = self.start.len();
        let steps = sequence.chunks_exact(self.columns.len());
        let (mut nats, mut filtered, mut predicted) = (0.0, Vec::new(), vec![self.start.clone()]);
        for (t, step) in steps.enumerate() {
            let logs: Vec<f64> = (0..states).map(|k| self.emission(step, k)).collect();
            let top = logs.iter().copied().fold(f64::MIN, f64::max);
            let joint: Vec<f64> =
                (0..states).map(|k| predicted[t][k] * (logs[k] - top).exp()).collect();
            nats += top + joint.iter().sum::<f64>().ln();
            let now = normalised(joint);
            let next = |l: usize| (0..states).map(|k| now[k] * self.moves[k][l]).sum();
            predicted.push((0..states).map(next).collect());
            filtered.push(now);
        }
        let mut smoothed = filtered.clone();
        for t in (1..filtered.len()).rev() {
            for k in 0..states {
                let back = |l: usize| self.moves[k][l] * smoothed[t][l] / predicted[t][l];
                smoothed[t - 1][k] = filtered[t - 1][k] * (0..states).map(back).sum::<f64>();
            }
        }
        predicted.remove(0);
        Passes { nats, filtered, smoothed, predicted }
    }
}

impl Sweeps for States {
    fn sweep(&mut self, data: &Data) -> Result<Values, Error> {
        let (all, width, states) = (sequences(data)?, self.columns.len(), self.start.len());
        // A little of a uniform distribution, so that nothing becomes impossible.
        let (mut start, mut moves) = (vec![1e-3; states], vec![vec![1e-3; states]; states]);
        let (mut weight, mut sum, mut squares) = (
            vec![vec![0.0; width]; states],
            vec![vec![0.0; width]; states],
            vec![vec![0.0; width]; states],
        );
        let mut nats = 0.0;
        for i in 0..all.len() {
            let passes = self.passes(all.sequence(i));
            nats += passes.nats;
            for (t, step) in all.sequence(i).chunks_exact(width).enumerate() {
                for k in 0..states {
                    let p = passes.smoothed[t][k];
                    start[k] += if t == 0 { p } else { 0.0 };
                    for j in (0..width).filter(|&j| !step[j].is_nan()) {
                        let error = step[j] - self.mean[k][j];
                        weight[k][j] += p;
                        sum[k][j] += p * error;
                        squares[k][j] += p * error * error;
                    }
                    for l in (0..states).filter(|_| t + 1 < passes.smoothed.len()) {
                        let back = passes.smoothed[t + 1][l] / passes.predicted[t][l];
                        moves[k][l] += passes.filtered[t][k] * self.moves[k][l] * back;
                    }
                }
            }
        }
        self.start = normalised(start);
        self.moves = moves.into_iter().map(normalised).collect();
        for k in 0..states {
            for j in (0..width).filter(|&j| weight[k][j] > 1e-8) {
                let shift = sum[k][j] / weight[k][j];
                let spread = squares[k][j] / weight[k][j] - shift * shift;
                self.mean[k][j] += shift;
                self.variance[k][j] = spread.max(1e-6 * self.variance[k][j]);
            }
        }
        Ok(vec![("loss".into(), -nats / all.len() as f64)])
    }

    fn measure(&self, data: &Data) -> Values {
        let Data::Sequences(all) = data else { return Values::new() };
        let nats: f64 = (0..all.len()).map(|i| self.passes(all.sequence(i)).nats).sum();
        vec![("loss".into(), -nats / all.len() as f64)]
    }
}

impl Assign for States {
    /// The most probable state of each step by itself.
    fn assign(&self, data: &Data, _: &Request, c: &Control) -> Result<Assignment, Error> {
        let all = sequences(data)?;
        let (mut assigned, mut probabilities) = (Vec::new(), Vec::new());
        for i in 0..all.len() {
            c.check()?;
            let smoothed = self.passes(all.sequence(i)).smoothed;
            let top = |p: &Vec<f64>| (0..p.len()).max_by(|&a, &b| p[a].total_cmp(&p[b]));
            assigned.push(smoothed.iter().map(|p| top(p).unwrap_or(0) as u32).collect());
            probabilities.push(smoothed.concat());
        }
        let names = (0..self.start.len()).map(|k| k.to_string()).collect();
        Ok(Assignment { what: "state".into(), names, assigned, probabilities })
    }
}

impl Generate for States {
    fn options(&self) -> Vec<OptionSpec> {
        vec![OptionSpec::new("steps", self.steps, "steps of a sequence")]
    }

    fn generate(&self, items: Range<u64>, request: &Request, c: &Control) -> Result<Data, Error> {
        let options =
            Options::resolve(Ability::Generate, &Generate::options(self), &request.options)?;
        let steps = options.count("steps")?.unwrap_or(self.steps);
        let (mut values, n) = (Vec::new(), count(&items)?);
        for item in items {
            c.check()?;
            let mut noise = Noise::new(request.seed).fork("sequences").fork_index(item);
            let mut now = &self.start;
            for _ in 0..steps {
                let mut u = noise.uniform_vec(1)[0];
                let drawn = now.iter().position(|p| {
                    u -= p;
                    u < 0.0
                });
                let k = drawn.unwrap_or(now.len() - 1);
                let z = noise.normal_vec(self.columns.len());
                let value =
                    |(j, z): (usize, &f64)| self.mean[k][j] + self.variance[k][j].sqrt() * z;
                values.extend(z.iter().enumerate().map(value));
                now = &self.moves[k];
            }
        }
        Ok(Data::Sequences(Sequences::new(self.columns.clone(), values, vec![steps; n])?))
    }
}

impl Likely for States {
    fn score(&self, data: &Data, _: &Request, c: &Control) -> Result<Likelihood, Error> {
        c.check()?;
        let all = sequences(data)?;
        let nats = (0..all.len()).map(|i| self.passes(all.sequence(i)).nats).collect();
        let steps = Counts::Each(all.lengths().to_vec());
        Ok(Likelihood::exact(nats, 1).in_units(Unit::Step, steps))
    }
}

/// How the hidden Markov model joins the door.
pub struct StatesFamily;

impl StatesFamily {
    fn states(model: &serde_json::Value) -> Result<usize, Error> {
        let states = model["states"].as_u64().filter(|k| (1..=1000).contains(k));
        let wrong = || ConfigError::value("model.states", "from 1 to 1000", &model["states"]);
        Ok(states.ok_or_else(wrong)? as usize)
    }
}

impl Family for StatesFamily {
    fn name(&self) -> &'static str {
        "states"
    }

    fn about(&self) -> &'static str {
        "a hidden Markov model with a Gaussian a state"
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Sequences]
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Score, Ability::Assign]
    }

    fn open(&self, folder: &ModelFolder, _: &Device) -> Result<Model, Error> {
        let model = Arc::new(folder.load_json::<States>()?);
        let (k, d) = (model.start.len(), model.columns.len());
        let mut can = Capabilities::default();
        can.generate = Some(model.clone());
        can.score = Some(model.clone());
        can.assign = Some(model);
        Ok(super::model(folder, Modality::Sequences, k - 1 + k * (k - 1) + 2 * k * d, can))
    }

    fn train(&self) -> Option<&dyn Train> {
        Some(self)
    }
}

impl Train for StatesFamily {
    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        Ok(Defaults { model: json!({"states": 2}), ..super::defaults(wanted, 50) })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        let (k, d) = (Self::states(&settings.model)?, sequences(wanted.data)?.columns().len());
        Ok(super::plan(settings, wanted, k - 1 + k * (k - 1) + 2 * k * d))
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let start = States::start(&job.data, Self::states(&job.plan.model)?)?;
        fit_sweeps(job, start)
    }
}
