//! Step by step against scikit-learn, pomegranate and mclust.

use pyrogen_mixture::{CovarianceModel, Covariances, Em, Mixture, Regularisation};
use serde::Deserialize;

use crate::common::{assert_close, faithful, fixture, iris, plain, species};

/// Six steps of one fit in f64, of numbers of size 0.01 to 10: what the orders of summation leave.
const STEP: f64 = 1e-9;

#[derive(Deserialize)]
struct Step {
    before: Vec<Vec<f64>>,
    log_likelihood: f64,
    weights: Vec<f64>,
    means: Vec<f64>,
    covariances: Vec<f64>,
}

#[derive(Deserialize)]
struct Run {
    kind: String,
    components: usize,
    diagonal: f64,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct End {
    kind: String,
    weights: Vec<f64>,
    means: Vec<f64>,
    covariances: Vec<f64>,
}

#[derive(Deserialize)]
struct EmFixture {
    shares: Vec<f64>,
    runs: Vec<Run>,
    pomegranate: Vec<End>,
}

fn model(kind: &str) -> CovarianceModel {
    match kind {
        "full" => CovarianceModel::FULL,
        "tied" => CovarianceModel::TIED,
        "diag" => CovarianceModel::DIAGONAL,
        "spherical" => CovarianceModel::SPHERICAL,
        other => panic!("no such kind: {other}"),
    }
}

/// All means, and the covariances in scikit-learn's form.
fn parameters(mixture: &Mixture, kind: &str) -> (Vec<f64>, Vec<f64>) {
    let (k, d) = (mixture.components(), mixture.columns());
    let means = (0..k).flat_map(|c| mixture.mean(c).to_vec()).collect();
    let matrices: Vec<Vec<f64>> = (0..k).map(|c| mixture.covariance(c)).collect();
    let diagonal = |m: &Vec<f64>| (0..d).map(|j| m[j * d + j]).collect::<Vec<_>>();
    let covariances = match kind {
        "full" => matrices.concat(),
        "tied" => {
            assert!(matrices.iter().all(|m| *m == matrices[0]), "one matrix for all");
            matrices[0].clone()
        }
        "diag" => matrices.iter().flat_map(diagonal).collect(),
        _ => matrices.iter().map(|m| m[0]).collect(),
    };
    (means, covariances)
}

#[test]
fn every_step_is_scikit_learns() {
    let fixture: EmFixture = fixture("em");
    let table = iris();
    for run in &fixture.runs {
        let regularisation = match run.diagonal {
            0.0 => Regularisation::None,
            value => Regularisation::Diagonal { value },
        };
        let config = pyrogen_mixture::MixtureConfig {
            regularisation,
            ..plain(run.components, model(&run.kind))
        };
        let mut em = Em::from_responsibilities(config, &fixture.shares, &table).unwrap();
        let start = &run.steps[0].before;
        let (means, covariances) = parameters(em.best(), &run.kind);
        assert_close(em.best().weights(), &start[0], STEP, "first weights");
        assert_close(&means, &start[1], STEP, "first means");
        assert_close(&covariances, &start[2], STEP, "first covariances");
        for (i, step) in run.steps.iter().enumerate() {
            let what = |part: &str| format!("{} {}, step {i}: {part}", run.kind, run.diagonal);
            let progress = em.step(&table).unwrap();
            let (got, expected) = ([progress.log_likelihood], [step.log_likelihood]);
            assert_close(&got, &expected, STEP, &what("log-likelihood"));
            let (means, covariances) = parameters(em.best(), &run.kind);
            assert_close(em.best().weights(), &step.weights, STEP, &what("weights"));
            assert_close(&means, &step.means, STEP, &what("means"));
            assert_close(&covariances, &step.covariances, STEP, &what("covariances"));
        }
    }
}

#[test]
fn six_steps_end_where_pomegranates_do() {
    let fixture: EmFixture = fixture("em");
    let table = iris();
    for end in &fixture.pomegranate {
        let run = fixture.runs.iter().find(|r| r.kind == end.kind && r.diagonal == 0.0).unwrap();
        let [weights, means, covariances] = &run.steps[0].before[..] else { panic!("three lists") };
        let covariances = match end.kind.as_str() {
            "full" => Covariances::Full(covariances.clone()),
            _ => Covariances::Diagonal(covariances.clone()),
        };
        // scikit-learn's weights sum to 1 up to its epsilons.
        let sum: f64 = weights.iter().sum();
        let weights = weights.iter().map(|w| w / sum).collect();
        let start = Mixture::gaussian(weights, means.clone(), covariances).unwrap();
        let config = plain(run.components, model(&end.kind));
        let mut em = Em::from_mixture(config, start, &table).unwrap();
        for _ in &run.steps {
            em.step(&table).unwrap();
        }
        // The fixture's issue: every step to 1e-8.
        let (means, covariances) = parameters(em.best(), &end.kind);
        assert_close(em.best().weights(), &end.weights, 1e-8, &end.kind);
        assert_close(&means, &end.means, 1e-8, &end.kind);
        assert_close(&covariances, &end.covariances, 1e-8, &end.kind);
    }
}

#[derive(Deserialize)]
struct MStep {
    #[serde(default)]
    model: Option<CovarianceModel>,
    /// `[columns, components]` by columns: R's order.
    mean: Vec<f64>,
    sigma: Vec<f64>,
}

#[derive(Deserialize)]
struct MclustFit {
    model: CovarianceModel,
    #[serde(default)]
    components: usize,
    log_likelihood: f64,
    bic: f64,
    #[serde(default)]
    icl: f64,
}

#[derive(Deserialize)]
struct Mclust {
    z: Vec<f64>,
    msteps: Vec<MStep>,
    prior_mstep: MStep,
    fits: Vec<MclustFit>,
    faithful: Vec<MclustFit>,
}

/// M-steps in closed form agree to rounding; those that iterate, to where both stop (mclust stops at
/// relative changes of 1e-14 of its own criterion, which leaves square roots of that).
const M_STEP: f64 = 1e-7;

fn m_step(
    z: &[f64],
    model: CovarianceModel,
    regularisation: Regularisation,
) -> (Vec<f64>, Vec<f64>) {
    let config = pyrogen_mixture::MixtureConfig { regularisation, ..plain(3, model) };
    let em = Em::from_responsibilities(config, z, &iris()).unwrap();
    parameters(em.best(), "full")
}

#[test]
fn m_steps_of_all_fourteen_models_are_mclusts() {
    let mclust: Mclust = fixture("mclust");
    assert_eq!(mclust.msteps.len(), 14);
    for expected in &mclust.msteps {
        let model = expected.model.unwrap();
        if model == CovarianceModel::VVE {
            continue; // mclust stops at a lower optimum: see the next test
        }
        let (means, covariances) = m_step(&mclust.z, model, Regularisation::None);
        assert_close(&means, &expected.mean, STEP, &format!("{model} means"));
        assert_close(&covariances, &expected.sigma, M_STEP, &format!("{model} covariances"));
    }
    let (means, covariances) = m_step(&mclust.z, CovarianceModel::VVV, Regularisation::PRIOR);
    assert_close(&means, &mclust.prior_mstep.mean, STEP, "prior means");
    assert_close(&covariances, &mclust.prior_mstep.sigma, STEP, "prior covariances");
}

#[derive(Deserialize)]
struct Axes {
    msteps: Vec<AxesStep>,
}

#[derive(Deserialize)]
struct AxesStep {
    model: CovarianceModel,
    sigma: Vec<f64>,
}

/// Where a numerical optimiser with finite differences stops.
const OPTIMISER: f64 = 1e-5;

#[test]
fn m_steps_with_common_axes_are_the_numerical_optimum() {
    let (mclust, axes): (Mclust, Axes) = (fixture("mclust"), fixture("axes"));
    assert_eq!(axes.msteps.len(), 2);
    for expected in &axes.msteps {
        let (_, covariances) = m_step(&mclust.z, expected.model, Regularisation::None);
        let what = expected.model.to_string();
        assert_close(&covariances, &expected.sigma, OPTIMISER, &what);
    }
}

/// A likelihood whose last steps gained less than 1e-13 of itself: what a slowly converging fit may
/// still be away from its end.
const FIT: f64 = 1e-7;

#[test]
fn fits_from_the_species_end_at_mclusts_likelihood() {
    let mclust: Mclust = fixture("mclust");
    let table = iris();
    for expected in &mclust.fits {
        let model = expected.model;
        let mut em = Em::from_responsibilities(plain(3, model), &species(), &table).unwrap();
        let mut last = f64::NEG_INFINITY;
        while !em.is_done() {
            let now = em.step(&table).unwrap().log_likelihood;
            assert!(now >= last - 1e-9, "{model}: {last} fell to {now}");
            last = now;
        }
        let criteria = em.best().criteria(&table).unwrap();
        if model == CovarianceModel::VVE {
            // Its better M-steps lead to a better end.
            assert!(criteria.log_likelihood > expected.log_likelihood + 1.0, "{criteria:?}");
            let parameters = (-2.0 * expected.log_likelihood - -expected.bic) / -(150f64.ln());
            assert_close(&[parameters], &[criteria.parameters as f64], FIT, "parameters of VVE");
            continue;
        }
        let got = [criteria.log_likelihood, -criteria.bic];
        assert_close(&got, &[expected.log_likelihood, expected.bic], FIT, &format!("{model}"));
    }
}

#[test]
fn old_faithful_ends_at_mclusts_criteria() {
    use pyrogen_core::{Noise, Seed};
    let mclust: Mclust = fixture("mclust");
    for expected in &mclust.faithful {
        let config = pyrogen_mixture::MixtureConfig {
            starts: 5,
            ..plain(expected.components, expected.model)
        };
        let fit = pyrogen_mixture::fit(&config, &faithful(), &Noise::new(Seed(1))).unwrap();
        let got = [fit.criteria.log_likelihood, -fit.criteria.bic, -fit.criteria.icl];
        let expected = [expected.log_likelihood, expected.bic, expected.icl];
        assert_close(&got, &expected, FIT, "Old Faithful");
    }
}
