//! Workers: threads that share a batch.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::ConfigError;
use pyrogen_core::parallel::{Workers, on_cpu, on_pool, threads};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::running::RunningStatistics;

/// How many threads share a batch, as a config says it: `"auto"` or a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WorkerCount {
    /// As many as there are cores where the CPU computes, with
    /// [`FEWEST_ROWS`](Self::FEWEST_ROWS) rows each at least; 1 where a GPU computes.
    #[default]
    Auto,
    /// So many.
    Exactly(usize),
}

impl WorkerCount {
    /// Rows of a batch that `Auto` gives each worker at least.
    pub const FEWEST_ROWS: usize = 4;
    /// The same for a model with batch normalisation, since each worker normalises by the
    /// statistics of its own rows.
    pub const FEWEST_ROWS_NORMALISED: usize = 16;
    /// The most workers: each is a thread or more.
    pub const MOST: usize = 1024;

    /// The number for `rows` rows that are worked on at once, on a device.
    pub fn resolve(self, device: &Device, rows: usize, normalised: bool) -> usize {
        match self {
            Self::Exactly(n) => n,
            Self::Auto => auto(threads(device), rows, normalised),
        }
    }
}

fn auto(threads: usize, rows: usize, normalised: bool) -> usize {
    let fewest = match normalised {
        true => WorkerCount::FEWEST_ROWS_NORMALISED,
        false => WorkerCount::FEWEST_ROWS,
    };
    threads.min(rows / fewest).max(1)
}

const AUTO: &str = "auto";

impl fmt::Display for WorkerCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Exactly(n) => n.fmt(f),
        }
    }
}

impl FromStr for WorkerCount {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text.parse() {
            Ok(n) => Ok(Self::Exactly(n)),
            Err(_) if text == AUTO => Ok(Self::Auto),
            Err(_) => Err(ConfigError::value("gradient.workers", "`auto` or a number", text)),
        }
    }
}

impl JsonSchema for WorkerCount {
    fn schema_name() -> Cow<'static, str> {
        "WorkerCount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string", "const": AUTO},
            {"type": "integer", "minimum": 1},
        ]})
    }
}

impl Serialize for WorkerCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str(AUTO),
            Self::Exactly(n) => n.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WorkerCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = WorkerCount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`auto` or a number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<WorkerCount, E> {
                match text {
                    AUTO => Ok(WorkerCount::Auto),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }

            fn visit_u64<E: Error>(self, n: u64) -> Result<WorkerCount, E> {
                let wrong = |_| E::invalid_value(Unexpected::Unsigned(n), &self);
                usize::try_from(n).map(WorkerCount::Exactly).map_err(wrong)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The workers of one model.
///
/// A learner of its own (two players, say) has one of these for each model it trains, and so
/// shares its batches as [`GradientLearner`](crate::GradientLearner) does.
#[derive(Debug)]
pub struct Shards {
    count: usize,
    /// As many as the count, or one that is all of them in turn.
    workers: Workers,
    running: RunningStatistics,
    /// Of the model.
    device: Option<Device>,
}

impl Shards {
    /// Workers for a model: threads side by side where the CPU computes, elsewhere the calling
    /// thread for one after the other. A GPU splits every kernel by itself, and two threads that share
    /// tensors there came to other numbers than one (Burn 0.22.1, wgpu).
    ///
    /// # Errors
    /// No workers, or more than the system gives threads for.
    pub fn new<M: Module>(workers: usize, model: &M) -> Result<Self, ConfigError> {
        let devices = model.devices();
        let side_by_side = devices.iter().all(on_cpu);
        let threads = if side_by_side { workers } else { workers.min(1) };
        let running = RunningStatistics::of(model);
        let device = devices.into_iter().next();
        Ok(Self { count: workers, workers: Workers::new(threads)?, running, device })
    }

    /// Number of workers.
    pub fn workers(&self) -> usize {
        self.count
    }

    /// `f` of each part, with a model to compute it on; results in the order of the parts.
    ///
    /// Worker `w` of `n` takes the parts `w`, `w + n`, and so on. The first has the model itself,
    /// each other a replica: the same weights (shared, not copied) with a graph of its own, since
    /// Burn merges graphs that share parameter nodes and lets no two threads walk one graph.
    /// Gradients are found by the model's own parameter identities.
    ///
    /// Running statistics (batch normalisation) are each worker's own while it works. Afterwards
    /// the model's are the mean over the workers, added in their order.
    ///
    /// One worker has the model itself: nothing is made or merged. It runs on a thread of the kernels' pool where the
    /// CPU computes ([`on_pool`]); a model with running statistics stays on the calling thread, since Burn keeps
    /// their updates by thread.
    pub fn run<M: Module, P: Send, R: Send>(
        &self,
        model: &mut M,
        parts: Vec<P>,
        f: impl Fn(&M, P) -> R + Sync,
    ) -> Vec<R> {
        let workers = self.count.min(parts.len());
        if workers <= 1 {
            return self.alone(model, parts, f);
        }
        let count = parts.len();
        let mut shares: Vec<(M, Vec<P>)> =
            (0..workers).map(|w| (replica(model, w), Vec::new())).collect();
        for (i, part) in parts.into_iter().enumerate() {
            shares[i % workers].1.push(part);
        }
        let work = |(model, parts): (M, Vec<P>)| {
            let results: Vec<R> = parts.into_iter().map(|part| f(&model, part)).collect();
            (model, results)
        };
        let done: Vec<_> = match self.workers.count() {
            1 => shares.into_iter().map(work).collect(),
            _ => self.workers.each(shares, work),
        };
        let (models, results): (Vec<M>, Vec<Vec<R>>) = done.into_iter().unzip();
        self.running.merge(model, models);
        let mut results: Vec<_> = results.into_iter().map(Vec::into_iter).collect();
        (0..count).map(|i| results[i % workers].next().expect("one result a part")).collect()
    }

    /// All parts by one worker.
    fn alone<M: Module, P: Send, R: Send>(
        &self,
        model: &M,
        parts: Vec<P>,
        f: impl Fn(&M, P) -> R + Sync,
    ) -> Vec<R> {
        match &self.device {
            Some(device) if self.running.is_empty() => {
                // A clone goes to the other thread; it shares weights and graph.
                let (model, f) = (model.clone(), &f);
                on_pool(device, move || parts.into_iter().map(|part| f(&model, part)).collect())
            }
            _ => parts.into_iter().map(|part| f(model, part)).collect(),
        }
    }
}

/// The model for worker `w`. A clone shares graph and running statistics with the model; a way
/// through `valid` and `train` makes new leaves and new statistics of the same values.
fn replica<M: Module>(model: &M, w: usize) -> M {
    if w == 0 { model.clone() } else { model.valid().train() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_are_read_and_written() {
        for (text, json, count) in
            [("auto", json!("auto"), WorkerCount::Auto), ("3", json!(3), WorkerCount::Exactly(3))]
        {
            assert_eq!(text.parse::<WorkerCount>().unwrap(), count);
            assert_eq!(serde_json::from_value::<WorkerCount>(json.clone()).unwrap(), count);
            assert_eq!(serde_json::to_value(count).unwrap(), json);
            assert_eq!(count.to_string(), text);
        }
        for wrong in [json!("many"), json!(-1), json!(1.5), json!(null)] {
            let error = serde_json::from_value::<WorkerCount>(wrong).unwrap_err().to_string();
            assert!(error.contains("`auto` or a number"), "{error}");
        }
        let error = "many".parse::<WorkerCount>().unwrap_err().to_string();
        assert_eq!(error, "config: field `gradient.workers` must be `auto` or a number, got many");
    }

    #[test]
    fn auto_leaves_each_worker_enough_rows() {
        assert_eq!(auto(2, 64, false), 2);
        assert_eq!(auto(64, 64, false), 16);
        assert_eq!(auto(64, 64, true), 4);
        assert_eq!(auto(8, 3, false), 1);
        assert_eq!(auto(1, 1000, true), 1);
    }
}
