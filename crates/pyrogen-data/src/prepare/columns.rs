//! What the features of a prepared table are.

use super::{Preparation, Step};
use crate::table::ColumnKind;

/// What a column of a table has become: the features that stand for it, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PreparedColumn {
    /// One feature: a real number.
    Number,
    /// So many features: indicators of the categories.
    Category(usize),
    /// So many features and two: indicators of states (values that occur often, a missing number,
    /// frequent categories among many) and of none of them, then the number, which is 0 in a state.
    Spiked(usize),
}

impl PreparedColumn {
    /// Number of features.
    pub fn width(&self) -> usize {
        match self {
            Self::Number => 1,
            Self::Category(categories) => *categories,
            Self::Spiked(spikes) => spikes + 2,
        }
    }
}

/// What one feature of a prepared row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreparedFeature {
    /// The raw element that it is made of.
    pub element: usize,
    /// Whether it says which of some states there is: a category, a value that recurs, whether a number is
    /// missing.
    pub indicator: bool,
    /// Whether it is an angle in `[-pi, pi)`.
    pub circular: bool,
    /// Whether it is the condition of others.
    pub condition: bool,
}

impl Preparation {
    /// What each feature of a prepared row is.
    pub fn features(&self) -> Vec<PreparedFeature> {
        let plain = |element| PreparedFeature {
            element,
            indicator: false,
            circular: false,
            condition: false,
        };
        let mut features: Vec<PreparedFeature> = (0..self.layout().width()).map(plain).collect();
        for step in self.steps() {
            features = step.features(features);
        }
        features
    }

    /// The features that are the condition of the others, ascending, each with its raw element; none where there
    /// is no condition.
    pub fn conditions(&self) -> Option<Vec<(usize, usize)>> {
        self.steps().iter().any(|step| matches!(step, Step::ConditionColumns(_))).then(|| {
            let features = self.features();
            let marked = features.iter().enumerate().filter(|(_, feature)| feature.condition);
            marked.map(|(i, feature)| (i, feature.element)).collect()
        })
    }

    /// What the columns of a table have become, for tables that were prepared as such
    /// ([`Recipe::Table`](super::Recipe::Table), [`Recipe::QuantileTable`](super::Recipe::QuantileTable));
    /// none for other data.
    pub fn columns(&self) -> Option<Vec<PreparedColumn>> {
        let schema = self.layout().schema.as_ref()?;
        let (mut quantiles, mut missing) = (None, None);
        for step in self.steps() {
            match step {
                Step::Quantiles(step) => quantiles = Some(step),
                Step::MissingNumbers(step) => missing = Some(step),
                Step::SpreadMissing(_) => return None,
                _ => {}
            }
        }
        let column = |(j, kind): (usize, &ColumnKind)| {
            let element = quantiles.and_then(|q| q.elements[j].as_ref());
            match (element, kind) {
                (Some(element), _) if element.has_states() => {
                    PreparedColumn::Spiked(element.states())
                }
                (Some(_), _) => PreparedColumn::Number,
                (None, ColumnKind::Categorical { categories }) => {
                    PreparedColumn::Category(categories.len())
                }
                (None, _) if missing.is_some_and(|m| m.elements[j]) => PreparedColumn::Spiked(1),
                (None, _) => PreparedColumn::Number,
            }
        };
        let kinds = schema.columns.iter().map(|c| &c.kind).enumerate();
        let columns: Vec<PreparedColumn> = kinds.map(column).collect();
        let width: usize = columns.iter().map(PreparedColumn::width).sum();
        (self.event_shape() == [width]).then_some(columns)
    }
}

impl Step {
    /// What the features are after the step.
    fn features(&self, before: Vec<PreparedFeature>) -> Vec<PreparedFeature> {
        let state = |f: PreparedFeature| PreparedFeature { indicator: true, ..f };
        let after = |(j, f): (usize, PreparedFeature)| match self {
            Self::ConditionColumns(step) => {
                vec![PreparedFeature { condition: step.elements[j].is_some(), ..f }]
            }
            Self::Periodic(step) => {
                vec![PreparedFeature { circular: step.elements[j].is_some(), ..f }]
            }
            Self::Quantiles(step) => match &step.elements[j] {
                Some(element) if element.has_states() => vec![state(f), f],
                _ => vec![f],
            },
            Self::MissingNumbers(step) if step.elements[j] => vec![state(f), f],
            Self::SpreadMissing(step) if step.counts[j].is_some() => {
                vec![PreparedFeature { indicator: false, ..f }]
            }
            Self::OneHot(step) => {
                vec![
                    PreparedFeature { indicator: step.categories[j].is_some() || f.indicator, ..f };
                    step.categories[j].unwrap_or(1)
                ]
            }
            _ => vec![f],
        };
        before.into_iter().enumerate().flat_map(after).collect()
    }
}
