//! Inverses, determinants, densities that integrate to one, and errors.

use std::f64::consts::PI;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use pyrogen_core::bijection::Bijection;
use pyrogen_core::folder::{Card, ModelConfig};
use pyrogen_core::{
    Batch, Condition, Decode, Encode, LikelihoodKind, ModelError, Noise, Objective, Sample,
    SampleOptions, Score, ScoreOptions, Seed,
};
use pyrogen_flow::{
    ContinuousConfig, FAMILIES, FlowKind, NormalizingFlow, NormalizingFlowConfig, NumberMap,
    SplineConfig, SplineTails,
};
use pyrogen_nn::{Activation, MlpConfig};
use pyrogen_testkit::{condition_for, device, host, largest_difference};

use crate::conformance::{configs, loud};

fn is_circular(config: &NormalizingFlowConfig) -> bool {
    matches!(config.flow.map(), Some(NumberMap::Circular { .. })) || !config.circular.is_empty()
}

/// There and back, in both directions. Two layers with scales of a few: 1e-5 is some ten roundings.
#[test]
fn flows_invert() {
    for config in configs() {
        for model in [
            config.init(Seed(1), &device()).unwrap(),
            loud(config.init(Seed(1), &device()).unwrap()),
        ] {
            let condition = condition_for(&model, 50, &device());
            let given = model.given(&condition, 50);
            let x = Noise::new(Seed(2)).normal::<2>([50, config.features()], &device());
            let x = if is_circular(&config) { x.clamp(-3.1, 3.1) } else { x };
            let (z, there) = given.forward(x.clone());
            let (again, back) = given.inverse(z.clone());
            let scale = host(z.abs().max())[0].max(1.0);
            assert!(largest_difference(again, x) < 1e-5 * scale, "{config:?}");
            let worst = host((there.clone() + back).abs().max())[0];
            let size = host(there.abs().max())[0].max(1.0);
            // The logarithms of slopes at points that differ by a rounding.
            assert!(worst < 1e-4 * size, "{config:?}: {worst}");
        }
    }
}

/// The determinant of a matrix by elimination with pivots.
pub fn log_abs_det(mut m: Vec<Vec<f64>>) -> f64 {
    let n = m.len();
    let mut log = 0.0;
    for k in 0..n {
        let pivot = (k..n).max_by(|&a, &b| m[a][k].abs().total_cmp(&m[b][k].abs())).unwrap();
        m.swap(k, pivot);
        log += m[k][k].abs().ln();
        let (above, below) = m.split_at_mut(k + 1);
        for row in below {
            let factor = row[k] / above[k][k];
            row.iter_mut().zip(&above[k]).skip(k).for_each(|(v, p)| *v -= factor * p);
        }
    }
    log
}

/// Against the Jacobian, which autodiff computes row by row.
#[test]
fn log_determinants_are_those_of_the_jacobian() {
    // Gradients in f32 through two layers, and a determinant of a few numbers of size up to ten.
    const TOLERANCE: f64 = 1e-4;
    for config in configs() {
        let plain = device();
        let model = loud(config.init(Seed(1), &plain.clone().autodiff()).unwrap());
        let n = config.features();
        let condition = condition_for(&model, 1, &plain.clone().autodiff());
        let given = model.given(&condition, 1);
        let x = Noise::new(Seed(3)).normal::<2>([1, n], &plain);
        let x = Tensor::<2>::from_data(x.into_data(), &plain.autodiff());
        for inverse in [false, true] {
            let apply = |x: Tensor<2>| if inverse { given.inverse(x) } else { given.forward(x) };
            let row = |i: usize| {
                let x = x.clone().detach().require_grad();
                let (y, _) = apply(x.clone());
                let grads = y.narrow(1, i, 1).sum().backward();
                host(x.grad(&grads).unwrap())
            };
            let expected = log_abs_det((0..n).map(row).collect());
            let got = host(apply(x.clone()).1.inner())[0];
            assert!((got - expected).abs() < TOLERANCE, "{config:?}, {inverse}: {got} {expected}");
        }
    }
}

/// The mass of a flow of the plane over a square, by the midpoint rule.
fn mass(model: &NormalizingFlow, half: f64, cells: usize) -> f64 {
    let step = 2.0 * half / cells as f64;
    let at = |i: usize| (-half + step * (i as f64 + 0.5)) as f32;
    let points: Vec<f32> =
        (0..cells * cells).flat_map(|k| [at(k / cells), at(k % cells)]).collect();
    let x = Tensor::<2>::from_data(TensorData::new(points, [cells * cells, 2]), &device());
    let log_prob = host(model.given(&Condition::none(), cells * cells).log_prob(x));
    log_prob.iter().map(|l| l.exp()).sum::<f64>() * step * step
}

#[test]
fn densities_of_the_plane_integrate_to_one() {
    let network = MlpConfig { hidden: vec![16], activation: Activation::Tanh };
    let spline = NumberMap::Spline(SplineConfig { bins: 5, bound: 4.0, ..Default::default() });
    let affine = SplineConfig { bins: 5, bound: 4.0, tails: SplineTails::Affine };
    let affine = NumberMap::Spline(affine);
    for flow in [
        FlowKind::nice(),
        FlowKind::realnvp(),
        FlowKind::maf(),
        FlowKind::iaf(),
        FlowKind::Autoregressive(spline),
        FlowKind::Coupling(spline),
        FlowKind::Autoregressive(affine),
        FlowKind::Autoregressive(NumberMap::Circular { bins: 5 }),
        FlowKind::naf(),
        FlowKind::Planar,
        FlowKind::Radial,
        FlowKind::sylvester(),
        FlowKind::cnf(),
    ] {
        let config = NormalizingFlowConfig {
            flow,
            layers: 2,
            network: network.clone(),
            ..NormalizingFlowConfig::default()
        };
        let model = config.init(Seed(5), &device()).unwrap();
        // The base's mass beyond 12 is nothing even where a scale of two or three stretches it.
        let half = if is_circular(&config) { PI } else { 12.0 };
        let mass = mass(&model, half, 240);
        assert!((mass - 1.0).abs() < 1e-3, "{config:?}: {mass}");
    }
}

/// Both directions, their determinants and all gradients are finite far outside of a spline's interval,
/// and at its ends.
#[test]
fn splines_are_finite_everywhere() {
    let spline = NumberMap::Spline(SplineConfig { bins: 4, bound: 3.0, ..Default::default() });
    for flow in [FlowKind::Autoregressive(spline), FlowKind::Coupling(spline)] {
        let config = NormalizingFlowConfig { flow, layers: 3, ..NormalizingFlowConfig::default() };
        let plain = device();
        let model = loud(config.init(Seed(1), &plain.clone().autodiff()).unwrap());
        let values = [-1e30, -1e6, -3.0, -2.9999999, 0.0, 3.0, 3.0000002, 1e3, 1e18, 1e30f32];
        let pairs: Vec<f32> =
            values.iter().flat_map(|&a| values.map(|b| [a, b])).flatten().collect();
        let rows = pairs.len() / 2;
        let data = TensorData::new(pairs, [rows, 2]);
        let given = model.given(&Condition::none(), rows);
        for inverse in [false, true] {
            let x = Tensor::<2>::from_data(data.clone(), &plain.clone().autodiff()).require_grad();
            let (y, log_det) =
                if inverse { given.inverse(x.clone()) } else { given.forward(x.clone()) };
            let finite = |v: Vec<f64>| v.iter().all(|v| v.is_finite());
            assert!(finite(host(y.clone().inner())) && finite(host(log_det.clone().inner())));
            // Weights see examples of up to 1e6: beyond, their gradients may overflow.
            let seen = x.clone().abs().lower_elem(1e7).float().detach();
            let grads = ((y * seen).sum() + log_det.sum()).backward();
            assert!(finite(host(x.grad(&grads).unwrap())), "{flow:?}, {inverse}");
        }
    }
}

/// Angles that differ by whole turns are one angle.
#[test]
fn circles_have_no_seam() {
    let flow = FlowKind::Autoregressive(NumberMap::Circular { bins: 6 });
    let config = NormalizingFlowConfig { flow, ..NormalizingFlowConfig::default() };
    let model = loud(config.init(Seed(1), &device()).unwrap());
    let log_prob = |a: f64, b: f64| {
        let x = Tensor::<2>::from_floats([[a as f32, b as f32]], &device());
        host(model.given(&Condition::none(), 1).log_prob(x))[0]
    };
    for (a, b) in [(3.0, -1.0), (-2.5, 0.3)] {
        let expected = log_prob(a, b);
        // An angle after a turn in f32 differs by 1e-6.
        assert!((log_prob(a + 2.0 * PI, b - 4.0 * PI) - expected).abs() < 1e-4);
    }
    assert!((log_prob(PI - 1e-4, 1.0) - log_prob(-PI + 1e-4, 1.0)).abs() < 1e-2);
    let x: Tensor<2> =
        model.sample(200, &SampleOptions::default(), &mut Noise::new(Seed(1))).unwrap();
    assert!(host(x.abs().max())[0] <= PI + 1e-6);
}

/// Latents are the noise: decoding gives the example back, and scores are exact.
#[test]
fn latents_lead_back_and_scores_are_exact() {
    for config in configs() {
        let model = config.init(Seed(1), &device()).unwrap();
        let condition = condition_for(&model, 7, &device());
        let options = SampleOptions { condition: condition.clone(), ..SampleOptions::default() };
        let x: Tensor<2> = model.sample(7, &options, &mut Noise::new(Seed(3))).unwrap();
        let z = model.encode(x.clone(), &condition).unwrap().point();
        let again: Tensor<2> = model.decode(z, &condition).unwrap();
        assert!(largest_difference(again, x.clone()) < 1e-4, "{config:?}");
        let mut noise = Noise::new(Seed(1));
        let score =
            model.log_likelihood(x, &condition, &ScoreOptions::default(), &mut noise).unwrap();
        assert_eq!(score.kind(), LikelihoodKind::Exact);
        assert_eq!(score.is_conditional(), !condition.is_none());
    }
}

#[test]
fn temperature_scales_the_noise() {
    let config = NormalizingFlowConfig::default();
    let model = config.init(Seed(1), &device()).unwrap();
    let latents = |temperature: f64| {
        let options = SampleOptions { temperature, ..SampleOptions::default() };
        let x: Tensor<2> = model.sample(500, &options, &mut Noise::new(Seed(3))).unwrap();
        model.encode(x, &Condition::none()).unwrap().point()
    };
    let [cold, warm] = [0.5, 1.0].map(latents);
    // The same noise, to what the inverse loses.
    assert!(largest_difference(cold, warm * 0.5) < 1e-4);
}

/// One number an example: autoregressive flows are maps of it, and learn its distribution.
#[test]
fn one_feature_is_a_map_of_it_alone() {
    let of = |flow| NormalizingFlowConfig { event: vec![1], flow, ..Default::default() };
    for flow in [
        FlowKind::maf(),
        FlowKind::iaf(),
        FlowKind::nsf(),
        FlowKind::naf(),
        FlowKind::Planar,
        FlowKind::Radial,
        FlowKind::sylvester(),
        FlowKind::cnf(),
    ] {
        let model = of(flow).init(Seed(1), &device()).unwrap();
        assert_eq!(of(flow).num_params().unwrap(), model.num_params());
        let x = Noise::new(Seed(2)).normal::<2>([9, 1], &device());
        let given = model.given(&Condition::none(), 9);
        let (z, _) = given.forward(x.clone());
        assert!(largest_difference(given.inverse(z).0, x) < 1e-5);
    }
    let error = of(FlowKind::realnvp()).validate().unwrap_err().to_string();
    assert!(error.contains("`flow` must be `autoregressive`"), "{error}");
}

#[test]
fn wrong_configs_name_the_field() {
    let base = NormalizingFlowConfig::default;
    let spline = |bins, bound| {
        FlowKind::Autoregressive(NumberMap::Spline(SplineConfig {
            bins,
            bound,
            ..Default::default()
        }))
    };
    let circular = FlowKind::Coupling(NumberMap::Circular { bins: 1 });
    let continuous =
        |steps, probes| FlowKind::Continuous(ContinuousConfig { steps, probes, frequencies: 3 });
    for (config, field) in [
        (NormalizingFlowConfig { event: vec![], ..base() }, "event"),
        (NormalizingFlowConfig { layers: 0, ..base() }, "layers"),
        (
            NormalizingFlowConfig { flow: spline(1, 3.0), ..base() },
            "flow.autoregressive.spline.bins",
        ),
        (
            NormalizingFlowConfig { flow: spline(8, -1.0), ..base() },
            "flow.autoregressive.spline.bound",
        ),
        (NormalizingFlowConfig { flow: spline(8, f64::NAN), ..base() }, "spline.bound"),
        (NormalizingFlowConfig { flow: circular, ..base() }, "flow.coupling.circular.bins"),
        (NormalizingFlowConfig { classes: Some(0), ..base() }, "classes"),
        (NormalizingFlowConfig { context: Some(vec![0]), ..base() }, "context"),
        (NormalizingFlowConfig { event: vec![usize::MAX], ..base() }, "event"),
        (
            NormalizingFlowConfig {
                flow: FlowKind::Autoregressive(NumberMap::Sigmoids { units: 0 }),
                ..base()
            },
            "flow.autoregressive.sigmoids.units",
        ),
        (
            NormalizingFlowConfig { flow: FlowKind::Sylvester { directions: 0 }, ..base() },
            "flow.sylvester.directions",
        ),
        (NormalizingFlowConfig { flow: continuous(0, None), ..base() }, "flow.continuous.steps"),
        (
            NormalizingFlowConfig { flow: continuous(8, Some(0)), ..base() },
            "flow.continuous.probes",
        ),
        (
            NormalizingFlowConfig {
                flow: FlowKind::cnf(),
                network: MlpConfig { hidden: vec![], ..MlpConfig::default() },
                ..base()
            },
            "network.hidden",
        ),
    ] {
        let error = config.init(Seed(1), &device()).unwrap_err().to_string();
        assert!(error.contains(field), "{field}: {error}");
    }
}

#[test]
fn methods_are_named_and_folders_of_others_refused() {
    let kinds = [
        FlowKind::maf(),
        FlowKind::nsf(),
        FlowKind::realnvp(),
        FlowKind::nice(),
        FlowKind::iaf(),
        FlowKind::naf(),
        FlowKind::Planar,
        FlowKind::Radial,
        FlowKind::sylvester(),
        FlowKind::cnf(),
    ];
    assert_eq!(kinds.map(|kind| kind.method()), FAMILIES);
    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("m");
    let model = NormalizingFlowConfig::default().init(Seed(1), &device()).unwrap();
    model.save(&folder, &Card::new("any", Seed(1))).unwrap();
    let card = std::fs::read_to_string(folder.join("card.json")).unwrap();
    assert!(card.contains("\"nsf\""), "{card}");
    model.config().save(&model, "vae", &folder, &Card::new("any", Seed(1))).unwrap();
    let error = NormalizingFlow::load(&folder, &device()).unwrap_err().to_string();
    assert!(error.contains("vae"), "{error}");
}

#[test]
fn the_report_says_what_is_wrong() {
    let config = NormalizingFlowConfig::default();
    let model = config.init(Seed(1), &device()).unwrap();
    let x = Noise::new(Seed(2)).normal::<2>([64, 2], &device());
    let fine = model.inverse_report(x.clone(), &Condition::none()).unwrap();
    assert!(!fine.is_faulty() && fine.examples == 64, "{fine}");
    // Data that nobody standardised is beyond the splines.
    let far_out = x * 100.0;
    let far = model.inverse_report(far_out.clone(), &Condition::none()).unwrap();
    assert!(far.is_faulty() && far.clipped.unwrap() > 0.9, "{far}");
    assert!(far.to_string().contains("standardise the data"), "{far}");
    // With affine tails numbers out there are learnt.
    let tails = SplineConfig { tails: SplineTails::Affine, ..Default::default() };
    let flow = FlowKind::Autoregressive(NumberMap::Spline(tails));
    let affine = NormalizingFlowConfig { flow, ..Default::default() };
    let affine = affine.init(Seed(1), &device()).unwrap();
    assert_eq!(affine.inverse_report(far_out, &Condition::none()).unwrap().clipped, None);
    let nan = Tensor::<2>::full([1, 2], f32::NAN, &device());
    let nan = model.inverse_report(nan, &Condition::none()).unwrap();
    assert!(nan.is_faulty() && nan.error.is_infinite(), "{nan}");
    let mut all = fine;
    all.extend(&far);
    assert_eq!((all.examples, all.error), (128, fine.error.max(far.error)));
}

/// What is not a number is no error, and does not become one.
#[test]
fn scores_of_nan_are_nan_and_latents_an_error() {
    let model = NormalizingFlowConfig::default().init(Seed(1), &device()).unwrap();
    let x = Tensor::<2>::from_floats([[f32::NAN, 0.0], [0.5, 0.5]], &device());
    let mut noise = Noise::new(Seed(1));
    let options = ScoreOptions::default();
    let score = model.log_likelihood(x.clone(), &Condition::none(), &options, &mut noise).unwrap();
    assert!(score.nats()[0].is_nan() && score.nats()[1].is_finite());
    let error = model.encode(x, &Condition::none()).unwrap_err();
    assert!(matches!(error, ModelError::Numerical(_)), "{error}");
}

/// Whatever their parameters are, layers with a condition on invertibility keep it: planar, radial and
/// Sylvester flows with parameters of a hundred invert and have finite densities.
#[test]
fn layers_stay_invertible_whatever_their_parameters() {
    // Slopes go down to a thousandth a layer: a rounding of f32 grows by a thousand.
    const TOLERANCE: f64 = 2e-3;
    for flow in [FlowKind::Planar, FlowKind::Radial, FlowKind::sylvester()] {
        for size in [1.0, 10.0, 100.0] {
            let config =
                NormalizingFlowConfig { event: vec![3], flow, layers: 1, ..Default::default() };
            let model = louder(config.init(Seed(1), &device()).unwrap(), size);
            let x = Noise::new(Seed(2)).normal::<2>([64, 3], &device()) * 3.0;
            let given = model.given(&Condition::none(), 64);
            let (z, log_det) = given.forward(x.clone());
            assert!(host(log_det).iter().all(|v| v.is_finite()), "{flow:?}, {size}");
            let scale = host(z.clone().abs().max())[0].max(1.0);
            let error = largest_difference(given.inverse(z).0, x);
            assert!(error < TOLERANCE * scale, "{flow:?}, {size}: {error}");
        }
    }
}

/// Weights from a normal distribution of this standard deviation.
fn louder(model: NormalizingFlow, size: f64) -> NormalizingFlow {
    struct Draw(Noise, f64);
    impl ModuleMapper for Draw {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|old| self.0.normal(old.dims(), &old.device()) * self.1)
        }
    }
    model.map(&mut Draw(Noise::new(Seed(9)), size))
}

/// The loss along random directions is, on average over many draws, the exact one.
#[test]
fn losses_along_random_directions_have_no_bias() {
    let exact = FlowKind::cnf();
    let FlowKind::Continuous(continuous) = exact else { unreachable!() };
    let drawn = FlowKind::Continuous(ContinuousConfig { probes: Some(1), ..continuous });
    let of = |flow| NormalizingFlowConfig { event: vec![4], flow, layers: 1, ..Default::default() };
    let [exact, drawn] =
        [exact, drawn].map(|flow| loud(of(flow).init(Seed(1), &device()).unwrap()));
    let batch = || {
        let x = Noise::new(Seed(2)).normal::<2>([64, 4], &device());
        Batch { x, labels: None, context: None }
    };
    let loss = |model: &NormalizingFlow, draws| host(model.loss(batch(), draws).total())[0];
    assert!(exact.draw(&batch(), &mut Noise::new(Seed(1))).is_none());
    let expected = loss(&exact, None);
    let mut noise = Noise::new(Seed(3));
    let values: Vec<f64> =
        (0..40).map(|_| loss(&drawn, drawn.draw(&batch(), &mut noise))).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    assert!(variance > 0.0);
    // Four standard errors: one false alarm in 16,000.
    assert!((mean - expected).abs() < 4.0 * (variance / n).sqrt(), "{mean} {expected}");
}
