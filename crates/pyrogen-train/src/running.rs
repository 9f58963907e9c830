//! Running statistics: what a model keeps that no gradient changes.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};

/// Which tensors of a model are running statistics (Burn's `RunningState`, as batch normalisation
/// has), in the model's order.
///
/// Burn shows a visitor a running state as a float parameter. They differ in that clones
/// of a model share its running states and nothing else.
#[derive(Debug, Clone)]
pub struct RunningStatistics {
    ids: Vec<ParamId>,
}

impl RunningStatistics {
    /// Finds those of a model.
    pub fn of<M: Module>(model: &M) -> Self {
        let mut candidates = Candidates(Vec::new());
        model.visit(&mut candidates);
        let mut marked = Marked(Vec::new());
        if !candidates.0.is_empty() {
            // A model with running states of its own, so that the given one is left alone.
            let probe = model.valid();
            let _ = probe.clone().map(&mut Mark(candidates.0));
            probe.visit(&mut marked);
        }
        Self { ids: marked.0 }
    }

    /// Whether the model has none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Sets the model's statistics to the mean over the models that shared a step, added in their
    /// order in f64. The first of them may share its states with the model.
    pub fn merge<M: Module>(&self, model: &mut M, shared: Vec<M>) {
        if self.ids.is_empty() {
            return;
        }
        let weight = 1.0 / shared.len() as f64;
        let mut means: Vec<Vec<f64>> = vec![Vec::new(); self.ids.len()];
        for one in &shared {
            // `valid` takes in the last update, which a running state holds back until then.
            one.valid().visit(&mut Add { ids: &self.ids, means: &mut means, weight });
        }
        drop(shared);
        // New states: the old ones hold an update of this thread, which would come back.
        let fresh = model.valid().train();
        *model = fresh.map(&mut Set { ids: &self.ids, means });
    }
}

/// Floats without a gradient: running states, and frozen parameters.
struct Candidates(Vec<ParamId>);

impl ModuleVisitor for Candidates {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() && param.shape().num_elements() > 0 {
            self.0.push(param.id);
        }
    }
}

/// Overwrites the candidates: what changes in another clone, too, is shared.
struct Mark(Vec<ParamId>);

impl ModuleMapper for Mark {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.0.contains(&param.id) {
            return param;
        }
        param.map(|old| Tensor::full(old.shape(), f64::NAN, &old.device()))
    }
}

struct Marked(Vec<ParamId>);

impl ModuleVisitor for Marked {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if value.shape().num_elements() == 0 {
            return;
        }
        let first =
            value.slice(std::array::from_fn::<_, D, _>(|_| 0..1)).into_data().iter::<f64>().next();
        if first.is_some_and(f64::is_nan) {
            self.0.push(param.id);
        }
    }
}

struct Add<'a> {
    ids: &'a [ParamId],
    means: &'a mut [Vec<f64>],
    weight: f64,
}

impl ModuleVisitor for Add<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(i) = self.ids.iter().position(|id| *id == param.id) else { return };
        let data = param.val().into_data();
        let mean = &mut self.means[i];
        mean.resize(data.num_elements(), 0.0);
        mean.iter_mut().zip(data.iter::<f64>()).for_each(|(m, v)| *m += self.weight * v);
    }
}

struct Set<'a> {
    ids: &'a [ParamId],
    means: Vec<Vec<f64>>,
}

impl ModuleMapper for Set<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(i) = self.ids.iter().position(|id| *id == param.id) else { return param };
        let mean = std::mem::take(&mut self.means[i]);
        param.map(|old| {
            let device: Device = old.device();
            Tensor::from_data(TensorData::new(mean, old.shape()), (&device, old.dtype()))
        })
    }
}
