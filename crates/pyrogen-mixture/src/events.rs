//! What happens in a fit beside its steps.

use serde::{Deserialize, Serialize};

/// Why a component is none any more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CollapseReason {
    /// It lost its rows.
    Empty {
        /// The weight that is left to it, in rows.
        weight: f64,
    },
    /// Its rows are all equal in one column.
    Flat {
        /// The column.
        column: usize,
        /// The variance there.
        variance: f64,
    },
    /// In its rows one column is a linear combination of others.
    Singular {
        /// The column.
        column: usize,
        /// What earlier columns do not explain of its variance.
        pivot: f64,
    },
}

impl std::fmt::Display for CollapseReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty { weight } => write!(f, "it kept {weight:.1e} rows"),
            Self::Flat { column, variance } => {
                write!(f, "its variance in column {column} fell to {variance:.1e}")
            }
            Self::Singular { column, pivot } => write!(
                f,
                "in its rows column {column} is a linear combination of earlier columns (variance \
                 left: {pivot:.1e})"
            ),
        }
    }
}

/// Something to log. Starts, components and columns are counted from 0, steps from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Event {
    /// A component collapsed, and took half of another one's rows.
    Split {
        /// The step.
        step: u64,
        /// The start.
        start: usize,
        /// The collapsed component.
        component: usize,
        /// The component that was split.
        donor: usize,
        /// Why.
        reason: CollapseReason,
    },
    /// The objective fell by more than rounding explains: the regularisation `diagonal` may do that.
    Fell {
        /// The step.
        step: u64,
        /// The start.
        start: usize,
        /// By how much, in nats per row.
        by: f64,
    },
    /// A start ended with an error; others go on.
    Failed {
        /// The step.
        step: u64,
        /// The start.
        start: usize,
        /// What the error says.
        message: String,
    },
    /// A start was given up because another one was better after the short steps.
    Dropped {
        /// The step.
        step: u64,
        /// The start.
        start: usize,
    },
    /// A start converged.
    Converged {
        /// The step.
        step: u64,
        /// The start.
        start: usize,
    },
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Split { step, start, component, donor, reason } => write!(
                f,
                "step {step}, start {start}: component {component} collapsed ({reason}); it takes \
                 half of component {donor}"
            ),
            Self::Fell { step, start, by } => {
                write!(f, "step {step}, start {start}: the objective fell by {by:.1e} nats per row")
            }
            Self::Failed { step, start, message } => {
                write!(f, "step {step}, start {start}: failed: {message}")
            }
            Self::Dropped { step, start } => {
                write!(f, "step {step}, start {start}: dropped, another start is better")
            }
            Self::Converged { step, start } => write!(f, "step {step}, start {start}: converged"),
        }
    }
}
