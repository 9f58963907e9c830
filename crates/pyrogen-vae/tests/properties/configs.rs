//! Configs that cannot be used, and how configs are written.

use pyrogen_core::{Seed, config};
use pyrogen_nn::MlpConfig;
use pyrogen_testkit::device;
use pyrogen_vae::{
    BetaTc, Column, Decoder, Factor, Info, Kernel, Prior, Scale, VaeConfig, VaeObjective, Wae,
};

use super::{conv, every_kind, mlp, small};

#[test]
fn bad_configs_are_named() {
    let logistic = |levels, scale| Decoder::DiscretisedLogistic { levels, scale };
    let columns = |columns| Decoder::Columns { columns, autoregressive: true };
    let vamp = Prior::Vamp { components: 3 };
    let discriminator = MlpConfig { hidden: vec![0], ..MlpConfig::default() };
    let no_units = Factor { discriminator, ..Factor::default() };
    let kernel = Kernel::InverseMultiquadratic { scales: vec![] };
    let no_scales = Wae { kernel, ..Wae::default() };
    let cases = [
        (
            VaeConfig { event: vec![], ..small() },
            "`event` must be a list of sizes, each at least 1, got []",
        ),
        (
            VaeConfig { event: vec![1, 0], ..small() },
            "`event` must be a list of sizes, each at least 1, got [1, 0]",
        ),
        (VaeConfig { latents: 0, ..small() }, "`latents` must be at least 1, got 0"),
        (
            VaeConfig { network: mlp(&[0]), ..small() },
            "`network.mlp.hidden` must be a list of widths, each at least 1, got [0]",
        ),
        (
            VaeConfig { event: vec![64], ..small() },
            "`network` must be `mlp` for examples of shape [64] (`conv` takes [channels, height, width]), got conv",
        ),
        (
            VaeConfig { decoder: logistic(1, Scale::Shared), ..small() },
            "`decoder.discretised_logistic.levels` must be from 2 to 65536, got 1",
        ),
        (
            VaeConfig { decoder: logistic(65537, Scale::Shared), ..small() },
            "`decoder.discretised_logistic.levels` must be from 2 to 65536, got 65537",
        ),
        (
            VaeConfig { decoder: logistic(2, Scale::Fixed(0.0)), ..small() },
            "`decoder.discretised_logistic.scale.fixed` must be a positive number, got 0",
        ),
        (
            VaeConfig { decoder: Decoder::Gaussian { scale: Scale::Fixed(f64::NAN) }, ..small() },
            "`decoder.gaussian.scale.fixed` must be a positive number, got NaN",
        ),
        (
            VaeConfig { beta: -1.0, ..small() },
            "`beta` must be a number that is not negative, got -1",
        ),
        (
            VaeConfig { beta: f64::INFINITY, ..small() },
            "`beta` must be a number that is not negative, got inf",
        ),
        (
            VaeConfig { objective: VaeObjective::Iwae { samples: 0 }, ..small() },
            "`objective.iwae.samples` must be at least 1, got 0",
        ),
        (
            VaeConfig { objective: VaeObjective::BetaTc(BetaTc::default()), ..small() },
            "`objective.beta_tc.examples` must be at least 1, got 0",
        ),
        (
            VaeConfig { objective: VaeObjective::FreeBits { nats: -1.0 }, ..small() },
            "`objective.free_bits.nats` must be a number that is not negative, got -1",
        ),
        (
            VaeConfig { objective: VaeObjective::Capacity { gamma: 0.0, nats: 1.0 }, ..small() },
            "`objective.capacity.gamma` must be a positive number, got 0",
        ),
        (
            VaeConfig { objective: VaeObjective::Factor(no_units), ..small() },
            "`objective.factor.discriminator.hidden` must be a list of widths, each at least 1, got [0]",
        ),
        (
            VaeConfig {
                objective: VaeObjective::Info(Info { alpha: 0.5, lambda: 0.25, ..Info::default() }),
                ..small()
            },
            "`objective.info.lambda` must be a number of at least 1 - alpha (0.5), got 0.25",
        ),
        (
            VaeConfig { objective: VaeObjective::Wae(no_scales), ..small() },
            "`objective.wae.kernel.inverse_multiquadratic.scales` must be a list of numbers, got none",
        ),
        (
            VaeConfig { objective: VaeObjective::Wae(Wae::default()), beta: 2.0, ..small() },
            "`beta` must be 1 with `wae`, got 2",
        ),
        (
            VaeConfig { prior: Prior::Vamp { components: 0 }, ..small() },
            "`prior.vamp.components` must be at least 1, got 0",
        ),
        (
            VaeConfig { prior: vamp, objective: VaeObjective::Info(Info::default()), ..small() },
            "`prior` must be `standard` with `info`, got vamp",
        ),
        (
            VaeConfig { prior: vamp, classes: Some(2), ..small() },
            "`prior` must be `standard` with `classes`, got vamp",
        ),
        (
            VaeConfig { decoder: Decoder::Categorical { levels: 257 }, ..small() },
            "`decoder.categorical.levels` must be from 2 to 256, got 257",
        ),
        (
            VaeConfig { decoder: Decoder::LogisticMixture { levels: 9, components: 0 }, ..small() },
            "`decoder.logistic_mixture.components` must be at least 1, got 0",
        ),
        (
            VaeConfig { decoder: Decoder::ColourMixture { levels: 9, components: 2 }, ..small() },
            "`decoder.colour_mixture` must be used with events [3, height, width], got [1, 8, 8]",
        ),
        (
            VaeConfig { decoder: columns(vec![Column::Category(63)]), ..small() },
            "`decoder.columns.columns` must be columns of 64 features together, as `event` has, got 63",
        ),
        (
            VaeConfig {
                decoder: columns(vec![Column::Category(0), Column::Category(64)]),
                ..small()
            },
            "`decoder.columns.columns` must be categories of at least 1 value, got 0",
        ),
        (
            VaeConfig { objective: VaeObjective::Iwae { samples: 5 }, beta: 2.0, ..small() },
            "`beta` must be 1 with `iwae`, got 2",
        ),
        (
            VaeConfig {
                prior: Prior::Vamp { components: 5 },
                context: Some(vec![3]),
                network: mlp(&[8]),
                ..small()
            },
            "`prior` must be `standard` with `context`, got vamp",
        ),
        (
            VaeConfig { context: Some(vec![]), network: mlp(&[8]), ..small() },
            "`context` must be a list of sizes, each at least 1, got []",
        ),
        (
            VaeConfig { context: Some(vec![1, 4, 4]), network: conv(), ..small() },
            "`context` must be [channels, 8, 8] with `conv`, as the examples are (resize the \
             contexts, or use `mlp`), got [1, 4, 4]",
        ),
        (VaeConfig { classes: Some(0), ..small() }, "`classes` must be at least 1, got 0"),
    ];
    for (bad, message) in cases {
        let error = bad.init(Seed(0), &device()).unwrap_err().to_string();
        assert_eq!(error, format!("config: field {message}"));
    }
}

#[test]
fn configs_survive_json_and_refuse_unknown_fields() {
    for config in every_kind() {
        assert_eq!(config::from_value::<VaeConfig>(config::to_value(&config)).unwrap(), config);
    }
    for bad in [
        r#"{"latent": 3}"#,
        r#"{"decoder": {"gaussian": {"scale": "shared", "levels": 3}}}"#,
        r#"{"decoder": "poisson"}"#,
        r#"{"objective": {"iwae": {"sample": 3}}}"#,
        r#"{"network": {"mlp": {"width": 3}}}"#,
    ] {
        assert!(config::from_json::<VaeConfig>(bad).is_err(), "{bad}");
    }
}
