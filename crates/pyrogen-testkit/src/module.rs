//! What a model promises as a module: initial weights, gradients, saving, resuming.

use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use pyrogen_core::folder::to_bytes;
use pyrogen_core::{Adversarial, Noise, Objective, Player, Seed};

/// A model built twice with one seed has equal bytes, whatever Burn's own generator did in
/// between; another seed gives others.
///
/// # Panics
/// If that does not hold.
pub fn init_depends_on_the_seed_alone<M: Module>(init: impl Fn(Seed) -> M) {
    let device = crate::device();
    let disturb = |seed: u64| {
        device.seed(seed);
        Tensor::<1>::random([7], Distribution::Default, &device).into_data()
    };
    disturb(1);
    let a = to_bytes(&init(Seed(11)));
    disturb(2);
    let b = to_bytes(&init(Seed(11)));
    assert!(a == b, "initial weights must come from the seed alone");
    assert!(a != to_bytes(&init(Seed(12))), "another seed must give other weights");
}

/// One step's loss gives every parameter a gradient that is finite and not zero throughout.
/// Running states (averages that a model keeps) are no parameters.
///
/// `model` and `batch` are on an autodiff device.
///
/// # Panics
/// If a parameter has none; the message names it.
pub fn every_parameter_gets_a_gradient<O: Objective>(model: &O, batch: O::Batch) {
    let draws = model.draw(&batch, &mut Noise::new(Seed(3)));
    let grads = model.loss(batch, draws).total().backward();
    let grads = GradientsParams::from_grads(grads, model);
    check_gradients(model, &grads, &[]);
}

/// Each player's loss gives every parameter of that player a gradient that is finite and, but for the
/// parameters named in `cancelled` (whose effect a loss takes away: the last bias of a critic), not
/// zero throughout.
///
/// `model` and `batch` are on an autodiff device.
///
/// # Panics
/// If a parameter has none; the message names it.
pub fn both_players_get_gradients<A: Adversarial>(model: &A, batch: &A::Batch, cancelled: &[&str]) {
    for player in [Player::Discriminator, Player::Generator] {
        let draws = model.draw(player, 1, batch, &mut Noise::new(Seed(3)));
        let grads = model.loss(player, batch.clone(), draws).total().backward();
        match player {
            Player::Generator => {
                let grads = GradientsParams::from_grads(grads, model.generator());
                check_gradients(model.generator(), &grads, cancelled);
            }
            Player::Discriminator => {
                let grads = GradientsParams::from_grads(grads, model.discriminator());
                check_gradients(model.discriminator(), &grads, cancelled);
            }
        }
    }
}

fn check_gradients<M: Module>(model: &M, grads: &GradientsParams, cancelled: &[&str]) {
    struct Check<'a> {
        grads: &'a GradientsParams,
        cancelled: &'a [&'a str],
        path: Vec<String>,
        seen: usize,
    }
    impl ModuleVisitor for Check<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !param.val().is_require_grad() {
                return;
            }
            let path = self.path.join(".");
            let Some(grad) = self.grads.get::<D>(param.id) else {
                panic!("parameter `{path}` gets no gradient");
            };
            let values = crate::host(grad);
            assert!(values.iter().all(|v| v.is_finite()), "the gradient of `{path}` is not finite");
            let zero = values.iter().all(|&v| v == 0.0);
            let cancelled = self.cancelled.iter().any(|end| path.ends_with(end));
            assert!(!zero || cancelled, "the gradient of `{path}` is zero");
            self.seen += 1;
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }
    let mut check = Check { grads, cancelled, path: Vec::new(), seen: 0 };
    model.visit(&mut check);
    assert!(check.seen > 0, "the model has no parameters");
}

/// A model that is saved and loaded has the same weights, byte for byte.
///
/// # Panics
/// If that does not hold.
pub fn saves_and_loads<M: Module>(
    model: &M,
    save: impl Fn(&M, &Path),
    load: impl Fn(&Path, &Device) -> M,
) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("model");
    save(model, &folder);
    let loaded = load(&folder, &crate::device());
    assert!(to_bytes(model) == to_bytes(&loaded), "the loaded weights differ");
    save(&loaded, &folder);
    let again = load(&folder, &crate::device());
    assert!(to_bytes(model) == to_bytes(&again), "weights saved over a folder differ");
}

/// Training that is interrupted after some steps and resumed ends with the weights of unbroken
/// training. `train` trains to so many steps in a folder, resuming what is there, and gives the
/// weights' bytes.
///
/// # Panics
/// If that does not hold.
pub fn resume_is_exact(train: impl Fn(&Path, u64) -> Vec<u8>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let whole = train(&dir.path().join("whole"), 9);
    let cut = dir.path().join("cut");
    assert!(train(&cut, 2) != whole, "seven more steps must change the weights");
    train(&cut, 5);
    assert!(train(&cut, 9) == whole, "resumed training ends with other weights");
}
