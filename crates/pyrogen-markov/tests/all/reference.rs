//! Every step of learning against hmmlearn's, from fixed starts (scripts/reference_markov.py).

use pyrogen_markov::Sequences;
use pyrogen_markov::hmm::{
    Categorical, Covariance, Emission, EmissionConfig, Gaussian, Hmm, HmmConfig, HmmFit,
    Multinomial, Poisson,
};
use serde_json::Value;

/// Two implementations in f64 whose sums are ordered otherwise, over a hundred steps.
const CLOSE: f64 = 1e-8;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/hmm.json")).unwrap()
}

fn row(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn table(v: &Value) -> Vec<Vec<f64>> {
    v.as_array().unwrap().iter().map(row).collect()
}

fn lengths(case: &Value) -> Vec<usize> {
    row(&case["lengths"]).into_iter().map(|v| v as usize).collect()
}

fn real(case: &Value) -> Sequences {
    let rows = table(&case["x"]);
    let width = rows[0].len();
    Sequences::real(rows.concat(), width, lengths(case)).unwrap()
}

fn near(what: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= CLOSE * (1.0 + b.abs()), "{what}[{i}]: {a} {b}");
    }
}

/// Runs the steps of a case and compares everything.
fn compare(
    name: &str,
    case: &Value,
    data: &Sequences,
    emission: Emission,
    config: EmissionConfig,
    check: impl Fn(&Emission, &Value),
) {
    let start = &case["start"];
    let model = Hmm::new(row(&start["startprob"]), table(&start["transmat"]), emission).unwrap();
    let states = model.states();
    let config = HmmConfig { states, emission: config, ..Default::default() };
    let mut fit = HmmFit::from_model(config, model, data).unwrap();
    for (i, theirs) in case["steps"].as_array().unwrap().iter().enumerate() {
        let step = fit.step(data).unwrap();
        near(name, &[step.log_likelihood], &[theirs["before"].as_f64().unwrap()]);
        assert!(step.empty_states.is_empty() && step.held.is_empty(), "{name}: {step:?}");
        near(&format!("{name}, step {i}, start"), fit.model().start(), &row(&theirs["startprob"]));
        for (from, row) in table(&theirs["transmat"]).iter().enumerate() {
            near(&format!("{name}, step {i}, transition"), fit.model().transition(from), row);
        }
        check(fit.model().emission(), theirs);
    }
    let model = fit.model();
    near(name, &[model.log_likelihood(data).unwrap()], &[case["score"].as_f64().unwrap()]);
    let path: Vec<f64> =
        model.viterbi(data).unwrap().iter().flat_map(|p| &p.states).map(|s| *s as f64).collect();
    assert_eq!(path, row(&case["viterbi"]), "{name}");
    let posterior = model.posteriors(data).unwrap().concat().concat();
    let theirs = table(&case["posterior"]).concat();
    near(&format!("{name}, posterior"), &posterior[..theirs.len()], &theirs);
}

#[test]
fn gaussian_steps_equal_hmmlearn() {
    let fixture = fixture();
    for case in fixture["gaussian"].as_array().unwrap() {
        let start = &case["start"];
        let form = case["form"].as_str().unwrap();
        let (form, covariances) = match form {
            "spherical" => {
                let rows = row(&start["covars"]).into_iter().map(|v| vec![v]).collect();
                (Covariance::Spherical, rows)
            }
            "diag" => (Covariance::Diagonal, table(&start["covars"])),
            "full" => {
                let all = start["covars"].as_array().unwrap();
                (Covariance::Full, all.iter().map(|m| table(m).concat()).collect())
            }
            _ => (Covariance::Tied, vec![table(&start["covars"]).concat()]),
        };
        let emission = Gaussian { form, means: table(&start["means"]), covariances };
        let config = EmissionConfig::Gaussian { covariance: form };
        let data = real(case);
        let name = format!("{form:?}");
        compare(&name, case, &data, Emission::Gaussian(emission), config, |ours, theirs| {
            let Emission::Gaussian(ours) = ours else { panic!() };
            near(&name, &ours.means.concat(), &table(&theirs["means"]).concat());
            for state in 0..3 {
                // Of tied covariances too, the package gives one matrix a state.
                let matrix = table(&theirs["covars"][state]).concat();
                near(&name, &ours.covariance(state), &matrix);
            }
        });
    }
}

#[test]
fn counts_and_symbols_equal_hmmlearn() {
    let fixture = fixture();
    let case = &fixture["poisson"];
    let emission = Emission::Poisson(Poisson { means: table(&case["start"]["lambdas"]) });
    compare("poisson", case, &real(case), emission, EmissionConfig::Poisson, |ours, theirs| {
        let Emission::Poisson(ours) = ours else { panic!() };
        near("poisson", &ours.means.concat(), &table(&theirs["lambdas"]).concat());
    });

    let case = &fixture["multinomial"];
    let probabilities = table(&case["start"]["emissionprob"]);
    let emission = Emission::Multinomial(Multinomial { probabilities, total: 7 });
    let config = EmissionConfig::Multinomial;
    compare("multinomial", case, &real(case), emission, config, |ours, theirs| {
        let Emission::Multinomial(ours) = ours else { panic!() };
        let theirs = table(&theirs["emissionprob"]).concat();
        near("multinomial", &ours.probabilities.concat(), &theirs);
    });

    let case = &fixture["categorical"];
    let symbols = table(&case["x"]).concat().into_iter().map(|v| v as u32).collect();
    let data = Sequences::symbols(symbols, lengths(case)).unwrap();
    let probabilities = table(&case["start"]["emissionprob"]);
    let emission = Emission::Categorical(Categorical { probabilities });
    let config = EmissionConfig::Categorical { symbols: Some(4) };
    compare("categorical", case, &data, emission, config, |ours, theirs| {
        let Emission::Categorical(ours) = ours else { panic!() };
        let theirs = table(&theirs["emissionprob"]).concat();
        near("categorical", &ours.probabilities.concat(), &theirs);
    });
}

/// Major earthquakes a year, 1900 to 2006, and the values of minus the log-likelihood that
/// Zucchini, MacDonald and Langrock (2016, table 1.4 and section 3.5) print for 1, 2 and 3 states.
const EARTHQUAKES: [f64; 107] = [
    13.0, 14.0, 8.0, 10.0, 16.0, 26.0, 32.0, 27.0, 18.0, 32.0, 36.0, 24.0, 22.0, 23.0, 22.0, 18.0,
    25.0, 21.0, 21.0, 14.0, 8.0, 11.0, 14.0, 23.0, 18.0, 17.0, 19.0, 20.0, 22.0, 19.0, 13.0, 26.0,
    13.0, 14.0, 22.0, 24.0, 21.0, 22.0, 26.0, 21.0, 23.0, 24.0, 27.0, 41.0, 31.0, 27.0, 35.0, 26.0,
    28.0, 36.0, 39.0, 21.0, 17.0, 22.0, 17.0, 19.0, 15.0, 34.0, 10.0, 15.0, 22.0, 18.0, 15.0, 20.0,
    15.0, 22.0, 19.0, 16.0, 30.0, 27.0, 29.0, 23.0, 20.0, 16.0, 21.0, 21.0, 25.0, 16.0, 18.0, 15.0,
    18.0, 14.0, 10.0, 15.0, 8.0, 15.0, 6.0, 11.0, 8.0, 7.0, 18.0, 16.0, 13.0, 12.0, 13.0, 20.0,
    15.0, 16.0, 12.0, 18.0, 15.0, 16.0, 13.0, 15.0, 16.0, 11.0, 11.0,
];

#[test]
fn earthquakes_have_the_books_likelihoods() {
    let data = Sequences::real(EARTHQUAKES.to_vec(), 1, vec![107]).unwrap();
    for (states, printed) in [(1, 391.9189), (2, 341.8787), (3, 328.5275)] {
        let config = HmmConfig { states, emission: EmissionConfig::Poisson, ..Default::default() };
        let mut fit = HmmFit::new(config, &data, pyrogen_core::Seed(1)).unwrap();
        let end = fit.run(&data, 1e-10, 5000).unwrap();
        assert!(end.converged);
        // The book prints four decimals.
        assert!((-end.log_likelihood - printed).abs() < 6e-5, "{states}: {}", end.log_likelihood);
    }
}
