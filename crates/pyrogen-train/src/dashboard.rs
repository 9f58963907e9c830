//! Burn's terminal dashboard as a callback.

use std::collections::HashSet;
use std::sync::Arc;

use burn::train::Interrupter;
use burn::train::metric::{
    MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry, SerializedEntry,
};
use burn::train::renderer::{MetricState, MetricsRenderer, default_renderer};

use crate::callback::{Callback, CallbackError, Control, Event};
use crate::learner::{Learner, Values};

/// Shows the numbers of a run on burn-train's dashboard: plots on a terminal, lines elsewhere.
///
/// Leaving the dashboard with its stop key ends the run as if a limit had been reached: the state
/// is saved. Give the trainer `ProgressMode::Hidden` beside it.
pub struct Dashboard {
    renderer: Box<dyn MetricsRenderer>,
    interrupter: Interrupter,
    known: HashSet<String>,
    total_steps: usize,
}

impl Dashboard {
    /// A dashboard for a run of so many steps (0 if that is not known).
    pub fn new(total_steps: usize) -> Self {
        let interrupter = Interrupter::new();
        Self::with_renderer(default_renderer(interrupter.clone(), None), interrupter, total_steps)
    }

    /// A dashboard on another of burn-train's renderers, which stops runs through `interrupter`.
    pub fn with_renderer(
        mut renderer: Box<dyn MetricsRenderer>,
        interrupter: Interrupter,
        total_steps: usize,
    ) -> Self {
        renderer.start(0, 0, Some(total_steps), Some("pyrogen"));
        renderer.start_split("train", total_steps);
        Self { renderer, interrupter, known: HashSet::new(), total_steps }
    }

    fn show(&mut self, values: &Values, validation: bool) {
        for (name, value) in values {
            let id = MetricId::new(Arc::new(name.clone()));
            if self.known.insert(name.clone()) {
                self.renderer.register_metric(MetricDefinition {
                    metric_id: id.clone(),
                    name: Arc::new(name.clone()),
                    description: None,
                    attributes: NumericAttributes { unit: None, higher_is_better: false }.into(),
                });
            }
            let entry = SerializedEntry::new(format!("{name}: {value:.4}"), value.to_string());
            let state = MetricState::Numeric(
                MetricEntry::new(id, entry),
                Some(NumericEntry::Value(*value)),
            );
            match validation {
                true => self.renderer.update_valid(state),
                false => self.renderer.update_train(state),
            }
        }
    }
}

impl<L: Learner> Callback<L> for Dashboard {
    fn on_step(&mut self, event: &Event, _: &L) -> Result<Control, CallbackError> {
        self.show(event.values, false);
        self.renderer.update_split((event.step as usize).min(self.total_steps.max(1)));
        match self.interrupter.should_stop() {
            true => Ok(Control::Stop),
            false => Ok(Control::Continue),
        }
    }

    fn on_validation(&mut self, event: &Event, _: &L) -> Result<Control, CallbackError> {
        self.show(event.values, true);
        Ok(Control::Continue)
    }
}
