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
    /// So many features and two: indicators of values that occur often and of none of them, then the
    /// number, which is 0 where it is one of these values.
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
        let quantiles = self.steps().iter().find_map(|step| match step {
            Step::Quantiles(quantiles) => Some(quantiles),
            _ => None,
        });
        let spikes = |j: usize| match quantiles.and_then(|q| q.elements[j].as_ref()) {
            Some(element) if element.has_spikes() => PreparedColumn::Spiked(element.spikes.len()),
            _ => PreparedColumn::Number,
        };
        let column = |(j, kind): (usize, &ColumnKind)| match kind {
            ColumnKind::Categorical { categories } => PreparedColumn::Category(categories.len()),
            _ => spikes(j),
        };
        let kinds = schema.columns.iter().map(|c| &c.kind).enumerate();
        let columns: Vec<PreparedColumn> = kinds.map(column).collect();
        let width: usize = columns.iter().map(PreparedColumn::width).sum();
        (self.event_shape() == [width]).then_some(columns)
    }
}
