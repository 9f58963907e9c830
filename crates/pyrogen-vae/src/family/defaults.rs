//! What the crate's families choose for some data.

use pyrogen_data::{Binarise, Preparation, PreparedColumn, RawRows, Recipe};
use pyrogen_model::Error;
use pyrogen_nn::{ConvConfig, MlpConfig, Network};

use crate::{Column, Decoder, Scale};

/// Pictures from this side on are given to convolutions.
const SMALLEST_CONV: usize = 8;

/// Features of a table up to which each column depends on those before it: there is a weight a pair.
const MOST_FEATURES: usize = 1024;

/// The network that suits examples of a shape.
pub(super) fn network_for(event: &[usize]) -> Network {
    match event {
        [_, h, w] if *h.min(w) >= SMALLEST_CONV => Network::Conv(ConvConfig::default()),
        _ => Network::Mlp(MlpConfig::default()),
    }
}

/// The decoder that suits data which is prepared in the way that suits it.
pub(super) fn decoder_for(
    data: &dyn RawRows,
    recipe: &Recipe,
    preparation: &Preparation,
) -> Decoder {
    match (data.levels(), recipe) {
        (Some(levels), Recipe::Unit) => {
            Decoder::DiscretisedLogistic { levels, scale: Scale::Predicted }
        }
        _ => match columns(preparation) {
            Some(columns) => {
                let features: usize = columns.iter().map(Column::width).sum();
                let autoregressive = columns.len() > 1 && features <= MOST_FEATURES;
                Decoder::Columns { columns, autoregressive }
            }
            None => Decoder::Gaussian { scale: Scale::PerFeature },
        },
    }
}

/// What the prepared features hold, for a table.
fn columns(preparation: &Preparation) -> Option<Vec<Column>> {
    let column = |column: &PreparedColumn| match *column {
        PreparedColumn::Category(categories) => Column::Category(categories),
        PreparedColumn::Spiked(spikes) => Column::Spiked(spikes),
        _ => Column::Number,
    };
    Some(preparation.columns()?.iter().map(column).collect())
}

/// A table as the decoder's columns want it: with spikes, or plainly standardised.
fn prepare_columns(expected: &[Column], data: &dyn RawRows) -> Result<Preparation, Error> {
    let fitted = Preparation::fit(&Recipe::suited_to(data), data)?;
    match columns(&fitted).is_some_and(|columns| columns == expected) {
        true => Ok(fitted),
        false => Ok(Preparation::fit(&Recipe::Table, data)?),
    }
}

/// How raw values become what a decoder is for.
pub(super) fn prepare(decoder: &Decoder, data: &dyn RawRows) -> Result<Preparation, Error> {
    let recipe = match decoder {
        Decoder::Bernoulli => Recipe::Binarised(Binarise::Dynamic),
        Decoder::DiscretisedLogistic { .. }
        | Decoder::LogisticMixture { .. }
        | Decoder::ColourMixture { .. }
        | Decoder::Categorical { .. } => Recipe::Unit,
        Decoder::Columns { columns, .. } => return prepare_columns(columns, data),
        // A density of integers would be a density of points: they are spread over their cells.
        Decoder::Gaussian { .. } if data.levels().is_some() => Recipe::Dequantised { logit: None },
        _ => Recipe::suited_to(data),
    };
    Ok(Preparation::fit(&recipe, data)?)
}
