//! The promises that every family makes.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::folder::Card;
use pyrogen_core::{Adversarial, Batch, Noise, Player, Seed};
use pyrogen_gan::{
    Augment, Conditioning, DcganConfig, FAMILY, Gan, GanConfig, GanLoss, MlpPair, Networks, Output,
    Penalty, Regularisers, Relativistic, ResnetConfig, UnetConfig,
};
use pyrogen_nn::{Activation, MlpConfig};
use pyrogen_testkit as kit;

fn mlp() -> Networks {
    let layers = |activation| MlpConfig { hidden: vec![8, 6], activation };
    Networks::Mlp(MlpPair {
        generator: layers(Activation::Silu),
        discriminator: layers(Activation::LeakyRelu { slope: 0.2 }),
    })
}

fn dcgan(norm: bool) -> Networks {
    Networks::Dcgan(DcganConfig { channels: vec![4, 6], norm })
}

fn resnet(activation: Activation) -> Networks {
    Networks::Resnet(ResnetConfig { channels: vec![4, 5], activation })
}

fn unet() -> Networks {
    Networks::Unet(UnetConfig { channels: vec![4, 6, 8], patches: vec![4, 5] })
}

fn plain() -> Regularisers {
    Regularisers { spectral: false, ..Regularisers::default() }
}

/// Small models that between them use every part.
fn configs() -> Vec<GanConfig> {
    let pictures = GanConfig { event: vec![1, 8, 8], latents: 3, ..GanConfig::default() };
    let points =
        GanConfig { event: vec![2], output: Output::Real, networks: mlp(), ..pictures.clone() };
    let auxiliary = Conditioning::Auxiliary { weight: 0.5 };
    vec![
        GanConfig { networks: dcgan(false), ..pictures.clone() },
        GanConfig {
            networks: dcgan(true),
            loss: GanLoss::LeastSquares,
            regularise: Regularisers {
                label_smoothing: 0.1,
                feature_matching: 2.0,
                minibatch_deviation: true,
                ..plain()
            },
            classes: Some(3),
            ..pictures.clone()
        },
        GanConfig {
            event: vec![3, 8, 4],
            networks: dcgan(false),
            loss: GanLoss::Hinge,
            regularise: Regularisers {
                penalty: Some(Penalty::R1 { weight: 1.0 }),
                augment: vec![Augment::Colour, Augment::Translation, Augment::Cutout],
                ..Regularisers::default()
            },
            classes: Some(2),
            conditioning: auxiliary,
            ..pictures.clone()
        },
        GanConfig {
            loss: GanLoss::Wasserstein { clip: None },
            regularise: Regularisers {
                penalty: Some(Penalty::Gradient { weight: 10.0 }),
                ..plain()
            },
            ..points.clone()
        },
        GanConfig {
            loss: GanLoss::Wasserstein { clip: Some(0.1) },
            regularise: plain(),
            classes: Some(4),
            ..points.clone()
        },
        GanConfig {
            loss: GanLoss::Relativistic(Relativistic::LeastSquares),
            regularise: Regularisers {
                instance_noise: 0.1,
                reconstruction: 1.0,
                ..Regularisers::default()
            },
            context: Some(vec![3]),
            ..points.clone()
        },
        GanConfig { loss: GanLoss::Minimax, classes: Some(2), conditioning: auxiliary, ..points },
        GanConfig { networks: resnet(Activation::Relu), classes: Some(3), ..pictures.clone() },
        GanConfig {
            networks: resnet(Activation::Silu),
            loss: GanLoss::Relativistic(Relativistic::Hinge),
            regularise: Regularisers {
                penalty: Some(Penalty::R1 { weight: 1.0 }),
                minibatch_deviation: true,
                ..plain()
            },
            ..pictures.clone()
        },
        GanConfig {
            networks: unet(),
            loss: GanLoss::Hinge,
            regularise: Regularisers {
                reconstruction: 10.0,
                diversity: 0.5,
                ..Regularisers::default()
            },
            context: Some(vec![2, 8, 8]),
            classes: Some(2),
            ..pictures.clone()
        },
        GanConfig {
            networks: unet(),
            regularise: Regularisers {
                minibatch_deviation: true,
                penalty: Some(Penalty::Gradient { weight: 1.0 }),
                feature_matching: 1.0,
                ..plain()
            },
            context: Some(vec![1, 2, 2]),
            ..pictures
        },
    ]
}

/// The shift of all logits, which a loss of differences takes away, and the hinge within its margin.
const CANCELLED: [&str; 2] = ["head.logit.bias", "Patch.last.bias"];

fn model(config: &GanConfig) -> Gan {
    config.init(Seed(1), &kit::device()).unwrap()
}

fn batch(model: &Gan, n: usize) -> Batch<2> {
    let device = model.device();
    let condition = kit::condition_for(model, n, &device);
    let x = Noise::new(Seed(2)).uniform([n, model.config().features()], &device);
    Batch::new(x).with_labels(condition.labels).with_context(condition.context)
}

#[test]
fn initial_weights_come_from_the_seed() {
    for config in configs() {
        kit::init_depends_on_the_seed_alone(|seed| config.init(seed, &kit::device()).unwrap());
    }
}

#[test]
fn numbers_are_counted_without_building() {
    for config in configs() {
        assert_eq!(config.num_params().unwrap(), model(&config).num_params(), "{config:?}");
    }
}

#[test]
fn sampling() {
    for config in configs() {
        kit::samples_keep_every_promise(&model(&config));
    }
}

#[test]
fn gradients_reach_every_parameter() {
    for config in configs() {
        let device = kit::device().autodiff();
        let model = config.init(Seed(1), &device).unwrap().train();
        kit::both_players_get_gradients(&model, &batch(&model, 6), &CANCELLED);
    }
}

#[test]
fn saving() {
    for config in configs() {
        kit::saves_and_loads(
            &model(&config),
            |model, folder| model.save(folder, &Card::new(FAMILY, Seed(1))).unwrap(),
            |folder, device| Gan::load(folder, device).unwrap(),
        );
    }
}

/// A loss is computed without gradients, too, for validation: the same terms.
#[test]
fn losses_without_gradients_have_the_same_terms() {
    for config in configs() {
        let with = config.init(Seed(1), &kit::device().autodiff()).unwrap();
        let without = model(&config);
        for player in [Player::Discriminator, Player::Generator] {
            let names = |model: &Gan| -> Vec<&str> {
                let batch = batch(model, 4);
                let draws = model.draw(player, 1, &batch, &mut Noise::new(Seed(4)));
                let values = model.loss(player, batch, draws).values();
                assert!(values.iter().all(|(_, v)| v.is_finite()), "{values:?}");
                values.into_iter().map(|(name, _)| name).collect()
            };
            assert_eq!(names(&with), names(&without));
        }
    }
}

/// A step of the discriminator leaves the generator alone, and what clipping promises holds.
#[test]
fn steps_change_what_they_say() {
    for config in configs() {
        let gan = config.init(Seed(1), &kit::device().autodiff()).unwrap();
        let bytes = |gan: &Gan| pyrogen_core::folder::to_bytes(&gan.valid());
        let before = bytes(&gan);
        let stepped = gan.clone().before_step(Player::Generator).after_step(Player::Generator);
        assert!(before == bytes(&stepped), "a generator's step changes nothing by itself");
        let stepped = gan.before_step(Player::Discriminator);
        assert_eq!(before != bytes(&stepped), config.regularise.spectral);
        let clipped = stepped.after_step(Player::Discriminator);
        if let GanLoss::Wasserstein { clip: Some(bound) } = config.loss {
            let largest = largest_weight(clipped.discriminator());
            assert!(largest <= bound + 1e-6, "{largest}");
            assert!(largest_weight(clipped.generator()) > bound);
        }
    }
}

fn largest_weight<M: Module>(module: &M) -> f64 {
    struct Largest(f64);
    impl burn::module::ModuleVisitor for Largest {
        fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
            if param.val().is_require_grad() {
                self.0 = kit::host(param.val()).into_iter().map(f64::abs).fold(self.0, f64::max);
            }
        }
    }
    let mut largest = Largest(0.0);
    module.visit(&mut largest);
    largest.0
}
