//! How unusual items are.

use std::sync::Arc;

use pyrogen_core::{Examples, Noise};
use pyrogen_data::Data;

use super::Frame;
use crate::{Ability, Control, Error, OptionSpec, Options, Rank, Ranking, Request};

pub(super) struct TensorRank<M> {
    pub model: Arc<M>,
    pub frame: Frame,
}

/// Items that are given to the model at once; it spreads them over the cores.
const ROWS: usize = 256;

impl<M: pyrogen_core::Rank<2> + Send + Sync + 'static> Rank for TensorRank<M> {
    fn name(&self) -> &str {
        self.model.rank_name()
    }

    fn options(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    fn rank(&self, data: &Data, request: &Request, control: &Control) -> Result<Ranking, Error> {
        Options::resolve(Ability::Rank, &self.options(), &request.options)?;
        let data = self.frame.prepare(data)?;
        let noise = Noise::new(request.seed).fork("rank");
        let meter = control.meter("ranked", data.len() as u64);
        let mut scores = Vec::with_capacity(data.len());
        for start in (0..data.len()).step_by(ROWS) {
            control.check()?;
            let rows: Vec<usize> = (start..(start + ROWS).min(data.len())).collect();
            let items = start as u64..(start + rows.len()) as u64;
            let (x, condition) =
                self.frame.batch(&data, &rows, items.clone(), &noise.fork("data"))?;
            let mut draws = noise.fork("draws").items(items);
            scores.extend(self.model.rank(x, &condition, &mut draws)?);
            meter.add(rows.len() as u64);
        }
        Ok(Ranking { name: self.model.rank_name().to_string(), scores })
    }
}
