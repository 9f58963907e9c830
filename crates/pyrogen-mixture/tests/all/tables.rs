//! Published numbers, from our own starts.

use pyrogen_core::{Noise, Seed};
use pyrogen_mixture::{CovarianceModel, MixtureConfig, Table, fit};

use crate::common::{faithful, iris, plain};

fn best(table: &Table, components: usize, covariance: CovarianceModel) -> pyrogen_mixture::Fit {
    let config = MixtureConfig { starts: 10, ..plain(components, covariance) };
    fit(&config, table, &Noise::new(Seed(7))).unwrap()
}

/// Three decimals are published.
const PUBLISHED: f64 = 6e-4;

#[test]
fn old_faithful() {
    let table = faithful();
    let full = best(&table, 2, CovarianceModel::FULL).criteria;
    assert!((full.log_likelihood + 1130.264).abs() < PUBLISHED, "{full:?}");
    assert!((full.bic - 2322.192).abs() < PUBLISHED, "{full:?}");
    let tied = best(&table, 3, CovarianceModel::TIED).criteria;
    assert!((tied.log_likelihood + 1126.316).abs() < PUBLISHED, "{tied:?}");
    assert!((tied.bic - 2314.296).abs() < PUBLISHED, "{tied:?}");
}

#[test]
fn iris_in_three_components() {
    let table = iris();
    for (model, published) in [
        (CovarianceModel::FULL, -180.1855),
        (CovarianceModel::TIED, -256.354),
        (CovarianceModel::SPHERICAL, -384.314),
    ] {
        let got = best(&table, 3, model).criteria.log_likelihood;
        assert!((got - published).abs() < PUBLISHED, "{model}: {got}");
    }
}
