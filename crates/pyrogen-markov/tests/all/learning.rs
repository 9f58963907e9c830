//! Learning on data of every kind: the likelihood never falls, and bad data is named or does what the
//! documentation states, never NaN.

use pyrogen_core::{Noise, Seed};
use pyrogen_markov::hmm::{
    Bernoulli, Covariance, Emission, EmissionConfig, Gaussian, Hmm, HmmConfig, HmmFit, Method,
    Poisson, Regression, Start, Topology,
};
use pyrogen_markov::{MISSING, MarkovError, Sequences};

/// Rows of two columns from three states, in sequences of several lengths, a tenth of the values missing.
fn data(of: impl Fn(usize, f64, f64) -> f64) -> Sequences {
    let lengths = vec![300, 1, 120, 0, 79];
    let steps: usize = lengths.iter().sum();
    let mut noise = Noise::new(Seed(21));
    let (normal, uniform) = (noise.normal_vec(2 * steps), noise.uniform_vec(4 * steps));
    let mut state = 0;
    let mut values = Vec::new();
    for t in 0..steps {
        if uniform[4 * t] < 0.15 {
            state = (state + 1 + t % 2) % 3;
        }
        for i in 0..2 {
            let missing = uniform[4 * t + 2 + i] < 0.1;
            let value = of(state, normal[2 * t + i], uniform[4 * t + 1]);
            values.push(if missing { f64::NAN } else { value });
        }
    }
    Sequences::real(values, 2, lengths).unwrap()
}

fn check_rise(name: &str, config: HmmConfig, data: &Sequences) -> HmmFit {
    let mut fit = HmmFit::new(config, data, Seed(4)).unwrap();
    let mut last = f64::NEG_INFINITY;
    for _ in 0..40 {
        let step = fit.step(data).unwrap_or_else(|e| panic!("{name}: {e}"));
        // `step` refuses a fall; here the same once more, from outside.
        assert!(step.objective >= last - 1e-8 * (1.0 + last.abs()), "{name}: {last} {step:?}");
        assert!(step.log_likelihood.is_finite());
        last = step.objective;
    }
    fit.model().check().unwrap();
    let posterior = fit.model().posteriors(data).unwrap();
    assert!(posterior.iter().flatten().flatten().all(|p| (0.0..=1.0 + 1e-9).contains(p)), "{name}");
    fit
}

#[test]
fn the_likelihood_never_falls() {
    let real = data(|s, z, _| [0.0, 4.0, -3.0][s] + z * [1.0, 0.5, 2.0][s]);
    let counts = data(|s, _, u| ([1.0, 6.0, 15.0][s] * 2.0 * u).floor());
    let bits = data(|s, _, u| f64::from(u8::from(u < [0.1, 0.5, 0.95][s])));
    let positive = data(|s, z, _| ([0.0, 1.0, 3.0][s] + 0.3 * z).exp());
    let mut cases = Vec::new();
    for covariance in
        [Covariance::Spherical, Covariance::Diagonal, Covariance::Full, Covariance::Tied]
    {
        cases.push((EmissionConfig::Gaussian { covariance }, &real));
        cases.push((EmissionConfig::GaussianMixture { components: 2, covariance }, &real));
        cases.push((EmissionConfig::Regression { lags: 1, inputs: 0, covariance }, &real));
    }
    cases.extend([
        (EmissionConfig::StudentT, &real),
        (EmissionConfig::Poisson, &counts),
        (EmissionConfig::Multinomial, &counts),
        (EmissionConfig::Bernoulli, &bits),
        (EmissionConfig::Gamma, &positive),
    ]);
    for (emission, data) in cases {
        for method in [Method::BaumWelch, Method::Viterbi] {
            for topology in [Topology::Ergodic, Topology::LeftRight { skip: 1 }] {
                let name = format!("{emission:?} {method:?} {topology:?}");
                let config = HmmConfig {
                    states: 3,
                    emission: emission.clone(),
                    method,
                    topology,
                    ..Default::default()
                };
                check_rise(&name, config, data);
            }
        }
        // With priors the sum of likelihood and prior is what never falls.
        let config = HmmConfig {
            states: 3,
            emission: emission.clone(),
            start_prior: 0.5,
            transition_prior: 0.7,
            count_prior: 0.3,
            ..Default::default()
        };
        check_rise(&format!("{emission:?} with priors"), config, data);
    }
}

#[test]
fn the_covariance_prior_is_maximised_too() {
    let real = data(|s, z, _| [0.0, 4.0, -3.0][s] + z);
    for covariance in
        [Covariance::Spherical, Covariance::Diagonal, Covariance::Full, Covariance::Tied]
    {
        let emission = EmissionConfig::Gaussian { covariance };
        let config = HmmConfig { states: 3, emission, covariance_prior: 2.0, ..Default::default() };
        check_rise(&format!("{covariance:?}"), config, &real);
    }
}

#[test]
fn zeros_stay_zeros_and_states_share_emissions() {
    let real = data(|s, z, _| [0.0, 4.0, -3.0][s] + z);
    let config = HmmConfig {
        states: 3,
        topology: Topology::LeftRight { skip: 0 },
        transition_prior: 1.0,
        start_prior: 1.0,
        ..Default::default()
    };
    let fit = check_rise("left-right", config, &real);
    let model = fit.model();
    assert_eq!(model.start(), [1.0, 0.0, 0.0]);
    for (from, to) in [(0, 2), (1, 0), (2, 0), (2, 1)] {
        assert_eq!(model.transition(from)[to], 0.0);
    }
    let start = vec![false, true, true];
    let transition =
        vec![vec![true, true, false], vec![false, true, true], vec![true, false, true]];
    let topology = Topology::Mask { start, transition };
    let config = HmmConfig { states: 3, topology, ..Default::default() };
    let fit = check_rise("mask", config, &real);
    assert_eq!(fit.model().start()[0], 0.0);
    assert_eq!((fit.model().transition(0)[2], fit.model().transition(2)[1]), (0.0, 0.0));

    // Four states, two distributions.
    let shared = Some(vec![0, 0, 1, 1]);
    let config = HmmConfig { states: 4, shared, ..Default::default() };
    let fit = check_rise("shared", config, &real);
    assert_eq!(fit.model().emission().classes(), 2);
    assert_eq!(fit.model().emission_of(3), 1);
    let wrong = HmmConfig { states: 2, shared: Some(vec![0, 2]), ..Default::default() };
    assert!(wrong.validate().unwrap_err().to_string().contains("without gaps"));
}

#[test]
fn a_regression_finds_its_coefficients() {
    // Two regimes of an autoregression with an input: x_t = c + a x_(t-1) + b u_t + noise.
    let truth = [[1.0, 0.8, 2.0], [-3.0, -0.5, 0.0]];
    let coefficients = truth.map(|row| row.to_vec()).to_vec();
    let noise = Gaussian {
        form: Covariance::Diagonal,
        means: vec![vec![0.0]; 2],
        covariances: vec![vec![0.25], vec![1.0]],
    };
    let emission = Emission::Regression(Regression { lags: 1, inputs: 1, coefficients, noise });
    let transition = vec![vec![0.95, 0.05], vec![0.05, 0.95]];
    let model = Hmm::new(vec![0.5, 0.5], transition, emission).unwrap();
    let inputs = Noise::new(Seed(8)).normal_vec(4000);
    let sampled = model.sample(&Noise::new(Seed(9)), 0, 4000, Start::State(1), &inputs).unwrap();
    assert_eq!(sampled.states[0], 1);
    let data = Sequences::real(sampled.values, 1, vec![4000]).unwrap().inputs(inputs, 1).unwrap();
    let emission =
        EmissionConfig::Regression { lags: 1, inputs: 1, covariance: Covariance::Diagonal };
    let config = HmmConfig { states: 2, emission, ..Default::default() };
    let mut fit = HmmFit::new(config, &data, Seed(1)).unwrap();
    assert!(fit.run(&data, 1e-6, 500).unwrap().converged);
    let Emission::Regression(learnt) = fit.model().emission() else { panic!() };
    let order = if learnt.coefficients[0][0] > 0.0 { [0, 1] } else { [1, 0] };
    for (truth, place) in truth.iter().zip(order) {
        for (truth, ours) in truth.iter().zip(&learnt.coefficients[place]) {
            // Five standard errors of a regression on 2,000 rows with noise of 1.
            assert!((truth - ours).abs() < 5.0 / 2000f64.sqrt(), "{truth} {ours}");
        }
    }
}

#[test]
fn heavy_tails_and_gammas_find_their_parameters() {
    let noise = Noise::new(Seed(5));
    for (config, emission) in [
        (
            EmissionConfig::StudentT,
            r#"{"student_t": {"locations": [[0.0],[10.0]], "squared_scales": [[1.0],[4.0]], "degrees": [[3.0],[8.0]]}}"#,
        ),
        (EmissionConfig::Gamma, r#"{"gamma": {"shapes": [[2.0],[9.0]], "rates": [[2.0],[0.5]]}}"#),
    ] {
        let emission: Emission = serde_json::from_str(emission).unwrap();
        let transition = vec![vec![0.97, 0.03], vec![0.05, 0.95]];
        let model = Hmm::new(vec![0.5, 0.5], transition, emission).unwrap();
        let values = model.sample(&noise, 0, 6000, Start::Model, &[]).unwrap().values;
        let data = Sequences::real(values, 1, vec![6000]).unwrap();
        let config = HmmConfig { states: 2, emission: config, ..Default::default() };
        let mut fit = HmmFit::new(config, &data, Seed(1)).unwrap();
        let end = fit.run(&data, 1e-5, 2000).unwrap();
        // The truth is a member of the family: the best fit is above it, and by little (half a
        // chi-squared number with 9 degrees of freedom, above 20 once in 100,000 runs).
        let above = end.log_likelihood - model.log_likelihood(&data).unwrap();
        assert!(end.converged && (0.0..20.0).contains(&above), "{above}");
    }
}

fn first_error(emission: EmissionConfig, states: usize, data: &Sequences) -> String {
    let config = HmmConfig { states, emission, ..Default::default() };
    match HmmFit::new(config, data, Seed(1)) {
        Ok(_) => panic!("expected an error"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn bad_data_is_named() {
    let column = |values: Vec<f64>| {
        let n = values.len();
        Sequences::real(values, 1, vec![n]).unwrap()
    };
    let poisson = || EmissionConfig::Poisson;
    let few = first_error(poisson(), 5, &column(vec![1.0, 2.0, f64::NAN]));
    assert!(few.contains("5 states cannot be learnt from 2 observed steps"), "{few}");
    let half = first_error(poisson(), 2, &column(vec![1.0, 2.5, 3.0]));
    assert!(half.contains("step 1, column 0: must be a whole number") && half.contains("2.5"));
    assert!(first_error(poisson(), 2, &column(vec![1.0, -1.0])).contains("got -1"));
    assert!(first_error(EmissionConfig::Gamma, 1, &column(vec![0.0, 1.0])).contains("above 0"));
    assert!(first_error(EmissionConfig::Bernoulli, 1, &column(vec![0.0, 2.0])).contains("0 or 1"));
    let pairs = vec![1.0, f64::NAN, 2.0, f64::NAN];
    let missing = Sequences::real(pairs, 2, vec![2]).unwrap();
    assert!(first_error(poisson(), 1, &missing).contains("column 1 has no observed value"));
    let nothing = Sequences::real(vec![], 2, vec![0, 0]).unwrap();
    assert!(first_error(poisson(), 1, &nothing).contains("no observed values"));
    let ignored = column(vec![1.0, 2.0]).weights(vec![0.0]).unwrap();
    assert!(first_error(poisson(), 1, &ignored).contains("weight above 0"));
    let symbols = Sequences::symbols(vec![0, 3, MISSING], vec![3]).unwrap();
    let fixed = EmissionConfig::Categorical { symbols: Some(3) };
    assert!(first_error(fixed, 1, &symbols).contains("symbol 3 is not below 3"));
    assert!(first_error(poisson(), 1, &symbols).contains("the data holds symbols"));
    let zero = HmmConfig { states: 0, ..Default::default() };
    assert!(zero.validate().unwrap_err().to_string().contains("states"));
}

#[test]
fn impossible_sequences_are_minus_infinity_with_the_step() {
    let emission = Emission::Bernoulli(Bernoulli { probabilities: vec![vec![1.0], vec![0.0]] });
    let turn = vec![vec![0.0, 1.0], vec![1.0, 0.0]];
    let model = Hmm::new(vec![1.0, 0.0], turn, emission).unwrap();
    let data = Sequences::real(vec![1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0], 1, vec![5, 2, 0]).unwrap();
    let scores = model.scores(&data).unwrap();
    assert_eq!((scores[0].log_likelihood, scores[0].impossible_at), (f64::NEG_INFINITY, Some(3)));
    assert_eq!((scores[1].log_likelihood, scores[1].impossible_at), (0.0, None));
    assert_eq!((scores[2].log_likelihood, scores[2].impossible_at), (0.0, None));
    assert_eq!(model.log_likelihood(&data).unwrap(), f64::NEG_INFINITY);
    let expected = MarkovError::Impossible { sequence: 0, step: 3 };
    assert_eq!(model.viterbi(&data).unwrap_err(), expected);
    assert_eq!(model.posteriors(&data).unwrap_err(), expected);
    let steps = model.step_log_likelihoods(&data).unwrap();
    assert_eq!(steps[0], [0.0, 0.0, 0.0, f64::NEG_INFINITY, f64::NEG_INFINITY]);
    let config = HmmConfig { emission: EmissionConfig::Bernoulli, ..Default::default() };
    let mut fit = HmmFit::from_model(config, model.clone(), &data).unwrap();
    let before = fit.clone();
    assert_eq!(fit.step(&data).unwrap_err(), expected);
    assert_eq!(fit, before);
    // A weight of 0 leaves it out.
    let weighted = data.weights(vec![0.0, 1.0, 1.0]).unwrap();
    assert_eq!(model.log_likelihood(&weighted).unwrap(), 0.0);
    assert!(fit.step(&weighted).is_ok());
}

#[test]
fn degenerate_data_is_held_by_floors() {
    // A constant column, and states that could each take one point.
    let values: Vec<f64> = (0..60).flat_map(|i| [f64::from(i % 7), 5.0]).collect();
    for covariance in
        [Covariance::Spherical, Covariance::Diagonal, Covariance::Full, Covariance::Tied]
    {
        // One long sequence and a thousand empty ones.
        let mut lengths = vec![0; 1001];
        lengths[500] = 60;
        let data = Sequences::real(values.clone(), 2, lengths).unwrap();
        let emission = EmissionConfig::Gaussian { covariance };
        let config = HmmConfig { states: 8, emission, ..Default::default() };
        let mut fit = HmmFit::new(config, &data, Seed(2)).unwrap();
        let mut held = false;
        for _ in 0..60 {
            let step = fit.step(&data).unwrap();
            assert!(step.log_likelihood.is_finite());
            held |= !step.held.is_empty();
        }
        assert!(held || covariance == Covariance::Spherical, "{covariance:?}");
        fit.model().check().unwrap();
        assert!(fit.model().log_likelihood(&data).unwrap().is_finite());
    }
}

#[test]
fn models_are_chosen_by_criteria_and_forecasts_are_mixtures() {
    let emission = Emission::Poisson(Poisson { means: vec![vec![2.0], vec![20.0]] });
    let transition = vec![vec![0.9, 0.1], vec![0.2, 0.8]];
    let model = Hmm::new(vec![0.5, 0.5], transition, emission).unwrap();
    let noise = Noise::new(Seed(6));
    let values = model.sample(&noise, 0, 800, Start::Model, &[]).unwrap().values;
    let data = Sequences::real(values, 1, vec![800]).unwrap();
    let fits: Vec<Hmm> = (1..=4)
        .map(|states| {
            let emission = EmissionConfig::Poisson;
            let config = HmmConfig { states, emission, ..Default::default() };
            let mut fit = HmmFit::new(config, &data, Seed(1)).unwrap();
            fit.run(&data, 1e-6, 2000).unwrap();
            fit.into_model()
        })
        .collect();
    let bic: Vec<f64> = fits.iter().map(|m| m.bic(&data).unwrap()).collect();
    assert!(bic[1] < bic[0] && bic[1] < bic[2] && bic[2] < bic[3], "{bic:?}");
    assert_eq!(model.free_parameters(), 1 + 2 + 2);
    let aic = fits[1].aic(&data).unwrap();
    let parameters = fits[1].free_parameters() as f64;
    assert_eq!(parameters, 5.0);
    let truth = 2.0 * parameters - 2.0 * fits[1].log_likelihood(&data).unwrap();
    assert!((aic - truth).abs() < 1e-9);

    let forecast = &model.forecast(&data, 3, 0.9).unwrap()[0];
    // The same by summing the mixture's probabilities.
    let last = &model.last_states(&data).unwrap()[0];
    let p = last[0] * 0.9 + last[1] * 0.2;
    assert!((forecast.states[0][0] - p).abs() < 1e-12);
    assert!((forecast.means[0][0] - (2.0 * p + 20.0 * (1.0 - p))).abs() < 1e-12);
    let mass = |m: f64, x: u32| {
        (-m + f64::from(x) * m.ln() - (1..=x).map(|i| f64::from(i).ln()).sum::<f64>()).exp()
    };
    for (q, ours) in [(0.05, forecast.lower[0][0]), (0.95, forecast.upper[0][0])] {
        let (mut x, mut sum) = (0, 0.0);
        loop {
            sum += p * mass(2.0, x) + (1.0 - p) * mass(20.0, x);
            if sum >= q {
                break;
            }
            x += 1;
        }
        assert_eq!(ours, f64::from(x), "{q}");
    }
    // Samples after the last state fall into the interval as often as it says.
    let inside = (0..4000)
        .filter(|i| {
            let x = model.sample(&noise, i + 1, 1, Start::After(last), &[]).unwrap().values[0];
            (forecast.lower[0][0]..=forecast.upper[0][0]).contains(&x)
        })
        .count() as f64;
    // Counts are whole: at least the level, five standard errors aside.
    assert!(inside / 4000.0 > 0.9 - 0.024, "{inside}");
    assert!(model.forecast(&data, 1, 1.0).is_err());
    assert!(model.sample(&noise, 0, 1, Start::State(2), &[]).is_err());
    assert!(model.sample(&noise, 0, 1, Start::After(&[0.5, 0.6]), &[]).is_err());
}

#[test]
fn quantiles_of_every_emission_hold_their_share() {
    let noise = Noise::new(Seed(12));
    let emissions = [
        r#"{"gaussian": {"form": "full", "means": [[0.0],[9.0]], "covariances": [[1.0],[4.0]]}}"#,
        r#"{"student_t": {"locations": [[0.0],[9.0]], "squared_scales": [[1.0],[4.0]], "degrees": [[2.5],[9.0]]}}"#,
        r#"{"gamma": {"shapes": [[0.7],[9.0]], "rates": [[2.0],[0.5]]}}"#,
        r#"{"gaussian_mixture": {"weights": [[0.3,0.7],[0.5,0.5]], "gaussians": {"form": "diagonal", "means": [[0.0],[1.0],[5.0],[9.0]], "covariances": [[1.0],[4.0],[0.1],[2.0]]}}}"#,
    ];
    for text in emissions {
        let emission: Emission = serde_json::from_str(text).unwrap();
        let model = Hmm::new(vec![0.3, 0.7], vec![vec![0.5, 0.5]; 2], emission).unwrap();
        let nothing = Sequences::real(vec![], 1, vec![0]).unwrap();
        let forecast = &model.forecast(&nothing, 1, 0.8).unwrap()[0];
        assert_eq!(forecast.states[0], [0.3, 0.7]);
        let values: Vec<f64> = (0..8000)
            .map(|i| model.sample(&noise, i, 1, Start::Model, &[]).unwrap().values[0])
            .collect();
        let share = |below: f64| values.iter().filter(|v| **v <= below).count() as f64 / 8000.0;
        // Five standard errors of a share of 0.1.
        for (ours, truth) in [(forecast.lower[0][0], 0.1), (forecast.upper[0][0], 0.9)] {
            assert!((share(ours) - truth).abs() < 0.017, "{text}: {ours} {}", share(ours));
        }
        let mean = values.iter().sum::<f64>() / 8000.0;
        assert!((mean - forecast.means[0][0]).abs() < 0.4, "{text}: {mean}");
    }
}
