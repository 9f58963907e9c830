//! Filling in what is missing in sequences, and going on with them.

use std::ops::Range;

use pyrogen_core::Noise;
use pyrogen_data::Data;
use pyrogen_model::{Ability, Complete, Control, Error, Given, OptionSpec, Options, Request, host};

use super::can::Regimes;
use super::named;

impl Complete for Regimes {
    fn options(&self) -> Vec<OptionSpec> {
        vec![OptionSpec::new("steps", 0, "steps that are drawn behind each sequence")]
    }

    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options =
            Options::resolve(Ability::Complete, &Complete::options(self), &request.options)?;
        host::unconditional(request)?;
        let more = options.get("steps").as_u64().and_then(|v| usize::try_from(v).ok());
        let more = more.ok_or_else(|| {
            Error::option("steps", "a whole number of at least 0", options.get("steps"))
        })?;
        if given.mask.is_some() {
            let expected = "left out: a sequence says itself what is missing in it";
            return Err(Error::option("mask", expected, "one"));
        }
        let data = self.read(&given.items)?;
        let noise = Noise::new(request.seed).fork("completed");
        let filled = host::each(items, "completed", control, |item| {
            let i = (item % data.len() as u64) as usize;
            let values = self.0.model.fill(&data, i, &noise, item as usize, more).map_err(named)?;
            Ok((values, data.length(i) + more))
        })?;
        let (values, lengths): (Vec<Vec<f64>>, Vec<usize>) = filled.into_iter().unzip();
        self.0.columns.data(values.concat(), lengths)
    }
}
