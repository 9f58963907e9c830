//! What is tried of a model before it is trained.

use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::Seed;
use pyrogen_data::Data;

use super::{Job, Save};
use crate::{Control, Error, ErrorKind, Model, Registry, Request};

/// Items that are tried.
const TRIED: usize = 2;

/// Draws of a trial's scores: two give a standard error.
const DRAWS: usize = 2;

/// Does with the untrained model what is done with a trained one: a config that cannot sample, decode
/// or be evaluated is found before the first step. A run that goes on was tried when it began.
///
/// # Errors
/// What the model cannot do.
pub fn try_untrained<M>(job: &Job, model: &M, save: Save<M>) -> Result<(), Error> {
    if job.existing == super::Existing::Resume && job.out.join("checkpoints/last").exists() {
        return Ok(());
    }
    let room = tempfile::tempdir().map_err(|e| Error::other(ErrorKind::Folder, e))?;
    let folder = room.path().join("model");
    save(model, &folder, &job.card)?;
    (job.trial)(&folder)
}

/// Opens a model and uses all that it can do and that a report needs, on a few items of its data.
pub(super) fn trial(
    registry: &Registry,
    folder: &Path,
    data: &Data,
    device: &Device,
    seed: Seed,
) -> Result<(), Error> {
    let model = registry.open(folder, device)?;
    match uses(&model, &data.take_random(TRIED, seed), seed) {
        // Weights that are not trained may well leave the range of numbers.
        Err(e) if e.kind() == ErrorKind::Numerics => Ok(()),
        tried => tried,
    }
}

fn uses(model: &Model, items: &Data, seed: Seed) -> Result<(), Error> {
    let (can, control) = (model.can(), Control::new());
    let request = Request::seed(seed.0);
    if let Some(generate) = &can.generate {
        let like = Request { like: Some(items.clone()), ..request.clone() };
        generate.generate(0..TRIED as u64, &like, &control)?;
    }
    if let Some(latent) = &can.latent {
        let latents = latent.encode(items, &request, &control)?;
        latent.decode(&latents, &control)?;
    }
    if let Some(score) = &can.score {
        for options in score.evaluated(DRAWS) {
            let request = Request { options: options.into_map(), ..request.clone() };
            score.score(items, &request, &control)?;
        }
    }
    if let Some(rank) = &can.rank {
        rank.rank(items, &request, &control)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;

    use pyrogen_core::folder::Card;
    use pyrogen_data::{Dataset, Modality};

    use super::*;
    use crate::{About, Capabilities, Generate, OptionSpec};

    struct Fails(ErrorKind);

    impl Generate for Fails {
        fn options(&self) -> Vec<OptionSpec> {
            Vec::new()
        }

        fn generate(&self, _: Range<u64>, _: &Request, _: &Control) -> Result<Data, Error> {
            Err(Error::other(self.0, "no samples"))
        }
    }

    #[test]
    fn a_model_that_cannot_sample_is_found() {
        let about = About::new("none", Modality::Points, 1);
        let card = Card::new("none", Seed(1));
        let can = Capabilities {
            generate: Some(Arc::new(Fails(ErrorKind::Config))),
            ..Capabilities::default()
        };
        let model = Model::new(about, Path::new("none"), card, can);
        let points = Dataset::from_parts(vec![1.0, 2.0, 3.0], vec![1], None).unwrap();
        let error = uses(&model, &Data::from_dataset(points), Seed(1)).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, "no samples"));
    }
}
