//! Filling in hidden parts of items.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use pyrogen_core::{Examples, Inpaint, Noise};
use pyrogen_data::{Data, Prepared, PreparedColumn};

use super::{Configure, Frame};
use crate::{Ability, Complete, Control, Error, Given, OptionSpec, Options, Request};

pub(super) struct TensorComplete<M> {
    pub model: Arc<M>,
    pub frame: Frame,
    pub sampling: Vec<OptionSpec>,
    pub configure: Configure<M>,
}

impl<M: Inpaint<2> + Send + Sync + 'static> Complete for TensorComplete<M> {
    fn options(&self) -> Vec<OptionSpec> {
        let about = "how often each step is made, so that the parts fit together";
        let mut options = vec![OptionSpec::new("repeats", 4, about)];
        options.extend(self.sampling.iter().cloned());
        options
    }

    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options = Options::resolve(Ability::Complete, &self.options(), &request.options)?;
        let repeats = options.count("repeats")?.unwrap_or(1);
        let model = (self.configure)(&self.model, &options)?;
        let mask = given
            .mask
            .as_deref()
            .ok_or_else(|| Error::option("mask", "the part of each item that is given", "none"))?;
        let mask = self.frame.prepared_mask(mask)?;
        let known = self.frame.prepare(&given.items)?;
        let noise = Noise::new(request.seed).fork("samples");
        let start = Noise::new(request.seed).fork("given");
        let mask = Tensor::<2>::from_data(
            TensorData::new(mask.clone(), [1, mask.len()]),
            self.frame.device(),
        );
        let mut request = request.clone();
        if request.like.is_none() {
            // The conditions of the given items are theirs.
            request.like = Some(given.items.clone());
        }
        self.frame.draw(
            items,
            &request,
            control,
            |items, condition, noise| {
                let x = self.frame.values_of(&known, items, &start);
                model.inpaint(x, mask.clone(), repeats, &condition, noise)
            },
            &noise,
        )
    }
}

impl Frame {
    /// The prepared numbers of given items, in turn.
    pub(super) fn values_of(
        &self,
        given: &Prepared<2>,
        items: Range<u64>,
        noise: &Noise,
    ) -> Tensor<2> {
        let rows: Vec<usize> = items.clone().map(|i| (i % given.len() as u64) as usize).collect();
        given.batch(&rows, &mut noise.items(items), self.device()).x
    }

    /// A mask of an item's raw numbers, as one of its prepared numbers.
    fn prepared_mask(&self, mask: &[bool]) -> Result<Vec<f32>, Error> {
        let raw = self.layout().width();
        if mask.len() != raw {
            let expected = format!("of {raw} values, as an item has");
            return Err(Error::option("mask", expected, format!("{} values", mask.len())));
        }
        let number = |&known: &bool| if known { 1.0 } else { 0.0 };
        if self.width() == raw {
            return Ok(mask.iter().map(number).collect());
        }
        let columns = self.preparation().columns().ok_or_else(|| {
            Error::option("mask", "left out: the preparation mixes the numbers of an item", "one")
        })?;
        let wide = |(column, known): (&PreparedColumn, &bool)| vec![number(known); column.width()];
        Ok(columns.iter().zip(mask).flat_map(wide).collect())
    }
}
