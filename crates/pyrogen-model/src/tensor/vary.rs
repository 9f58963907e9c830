//! Making items like given ones.

use std::ops::Range;
use std::sync::Arc;

use pyrogen_core::Noise;
use pyrogen_data::Data;

use super::{Configure, Frame};
use crate::{Ability, Control, Error, OptionSpec, Options, Request, Vary};

pub(super) struct TensorVary<M> {
    pub model: Arc<M>,
    pub frame: Frame,
    pub sampling: Vec<OptionSpec>,
    pub configure: Configure<M>,
}

impl<M: pyrogen_core::Vary<2> + Send + Sync + 'static> Vary for TensorVary<M> {
    fn options(&self) -> Vec<OptionSpec> {
        let about =
            "how far from the given items: 1 is all the way to noise, near 0 next to nothing";
        let mut options = vec![OptionSpec::new("strength", 0.5, about)];
        options.extend(self.sampling.iter().cloned());
        options
    }

    fn vary(
        &self,
        from: &Data,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options = Options::resolve(Ability::Vary, &self.options(), &request.options)?;
        let strength = options.number("strength")?;
        let model = (self.configure)(&self.model, &options)?;
        let given = self.frame.prepare(from)?;
        let noise = Noise::new(request.seed).fork("samples");
        let start = Noise::new(request.seed).fork("given");
        self.frame.draw(
            items,
            request,
            control,
            |items, condition, noise| {
                let x = self.frame.values_of(&given, items, &start);
                model.vary(x, strength, &condition, noise)
            },
            &noise,
        )
    }
}
