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

impl Preparation {
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
