//! What cannot be fitted says so.

use pyrogen_core::{Noise, Seed};
use pyrogen_mixture::{
    CollapseReason, CovarianceModel, Em, Event, MISSING, MixtureConfig, MixtureError,
    Regularisation, Table, fit,
};

use crate::common::{clouds, plain};

fn noise() -> Noise {
    Noise::new(Seed(1))
}

fn refused(config: &MixtureConfig, table: &Table) -> MixtureError {
    fit(config, table, &noise()).expect_err("this cannot be fitted")
}

#[test]
fn tables_that_are_none() {
    let numeric = |cells: &[f64], columns| Table::numeric(cells.to_vec(), columns).unwrap_err();
    assert_eq!(numeric(&[], 2), MixtureError::Empty { rows: 0, columns: 2 });
    assert_eq!(numeric(&[1.0], 0), MixtureError::Empty { rows: 0, columns: 0 });
    let short = MixtureError::Length { what: "numbers", expected: 4, got: 3 };
    assert_eq!(numeric(&[1.0, 2.0, 3.0], 2), short);
    let infinite = MixtureError::Infinite { row: 1, column: 0, value: f64::INFINITY };
    assert_eq!(numeric(&[1.0, 2.0, f64::INFINITY, 3.0], 2), infinite);
    let table = || Table::numeric(vec![1.0, 2.0], 1).unwrap();
    for value in [-1.0, f64::INFINITY] {
        let error = table().with_weights(vec![1.0, value]).unwrap_err();
        assert_eq!(error, MixtureError::Weight { row: 1, value });
    }
    let error = table().with_weights(vec![1.0, f64::NAN]).unwrap_err();
    assert!(error.to_string().contains("the weight of row 1 is NaN"), "{error}");
    assert_eq!(table().with_weights(vec![0.0; 2]).unwrap_err(), MixtureError::NoWeight);
    assert!(table().with_weights(vec![1.0]).is_err());
    let error = Table::categorical(vec![0, 1, 2, 0], vec![3, 1]).unwrap_err();
    assert_eq!(error, MixtureError::Code { row: 0, column: 1, code: 1, levels: 1 });
}

#[test]
fn fewer_rows_than_components() {
    let cells = vec![1.0, 2.0, 5.0, f64::NAN];
    let table = Table::numeric(cells.clone(), 1).unwrap();
    let config = plain(4, CovarianceModel::SPHERICAL);
    let few = |rows| MixtureError::FewRows { rows, components: 4 };
    assert_eq!(refused(&config, &table), few(3));
    let weighted = Table::numeric(cells, 1).unwrap().with_weights(vec![0.0, 1.0, 1.0, 1.0]);
    assert_eq!(refused(&config, &weighted.unwrap()), few(2));
}

#[test]
fn columns_without_information() {
    let rows = 30;
    let with = |f: &dyn Fn(usize) -> f64| {
        let cells = clouds(rows, 2, 3);
        let row = |r: usize| [cells[r * 2], cells[r * 2 + 1], f(r)];
        Table::numeric((0..rows).flat_map(row).collect(), 3).unwrap()
    };
    let full = plain(2, CovarianceModel::FULL);
    let error = refused(&full, &with(&|_| f64::NAN));
    assert_eq!(error, MixtureError::EmptyColumn { kind: "numeric", column: 2 });
    for constant in [0.0, 0.1, -1e9 / 3.0] {
        let table = with(&|_| constant);
        for config in [full.clone(), MixtureConfig::default()] {
            let error = refused(&config, &table);
            let MixtureError::ConstantColumn { column: 2, value } = error else {
                panic!("{error}")
            };
            assert!((value - constant).abs() <= 1e-12 * constant.abs());
        }
        let diagonal = Regularisation::Diagonal { value: 1e-3 };
        let config = MixtureConfig { regularisation: diagonal, ..plain(2, CovarianceModel::FULL) };
        let fit = fit(&config, &table, &noise()).unwrap();
        assert!(fit.criteria.log_likelihood.is_finite());
        assert!((fit.mixture.covariance(0)[8] - 1e-3).abs() < 1e-9);
    }
    let collinear = |factor: f64| {
        let cells = clouds(rows, 2, 3);
        let row = |r: usize| [cells[r * 2], cells[r * 2 + 1], factor * cells[r * 2] - 4.0];
        Table::numeric((0..rows).flat_map(row).collect(), 3).unwrap()
    };
    assert_eq!(refused(&full, &collinear(2.5)), MixtureError::CollinearColumn { column: 2 });
    // With a penalty, or without correlations, there is an answer.
    for config in [MixtureConfig::default(), plain(2, CovarianceModel::DIAGONAL)] {
        let fit = fit(&config, &collinear(2.5), &noise()).unwrap();
        assert!(fit.criteria.log_likelihood.is_finite());
    }
    let codes = vec![0, MISSING, 1, MISSING, 0, MISSING];
    let table = Table::categorical(codes, vec![2, 2]).unwrap();
    let error = refused(&MixtureConfig::default(), &table);
    assert_eq!(error, MixtureError::EmptyColumn { kind: "categorical", column: 1 });
}

#[test]
fn numbers_whose_squares_overflow() {
    let table = Table::numeric(vec![1e200, -1e200, 1e199, 3e199], 1).unwrap();
    let error = refused(&MixtureConfig::default(), &table);
    assert!(matches!(error, MixtureError::NotFinite { .. }), "{error}");
}

/// Four clouds of which one is a single repeated point.
fn with_a_point() -> Table {
    let mut cells = clouds(90, 2, 4);
    cells.extend([9.0, 9.0].repeat(10));
    Table::numeric(cells, 2).unwrap()
}

#[test]
fn a_collapse_is_named_and_not_nan() {
    let table = with_a_point();
    let config = MixtureConfig { splits: 0, ..plain(4, CovarianceModel::FULL) };
    let error = refused(&config, &table);
    let MixtureError::Collapsed { splits: 0, reason: CollapseReason::Flat { .. }, .. } = error
    else {
        panic!("{error}")
    };
    assert!(error.to_string().contains("its variance in column"), "{error}");
    // A penalty keeps the point's component.
    let fit =
        fit(&MixtureConfig { components: 4, ..Default::default() }, &table, &noise()).unwrap();
    assert!(fit.events.iter().all(|e| matches!(e, Event::Converged { .. })), "{:?}", fit.events);
    assert!((0..4).any(|c| (fit.mixture.mean(c)[0] - 9.0).abs() < 1e-3));
}

#[test]
fn a_collapsed_component_takes_half_of_another() {
    let table = with_a_point();
    let config = MixtureConfig { splits: 3, ..plain(4, CovarianceModel::FULL) };
    let mut em = Em::new(config, &table, &noise()).unwrap();
    let mut splits = Vec::new();
    let end = loop {
        match em.step(&table) {
            Ok(progress) => {
                assert!(progress.log_likelihood.is_finite());
                splits.extend(
                    progress.events.into_iter().filter(|e| matches!(e, Event::Split { .. })),
                );
                if em.is_done() {
                    break Ok(());
                }
            }
            Err(error) => break Err(error),
        }
    };
    assert!(!splits.is_empty());
    let text = splits[0].to_string();
    assert!(text.contains("collapsed (its variance in column"), "{text}");
    assert!(text.contains("it takes half of component"), "{text}");
    if let Err(error) = end {
        // The point draws a component again and again: after three splits the fit says so.
        assert!(matches!(error, MixtureError::Collapsed { splits: 3, .. }), "{error}");
        assert_eq!(splits.len(), 3);
    }
}

#[test]
fn unknown_categories_and_other_columns() {
    let codes: Vec<u32> = (0..40).map(|i| i % 2).collect();
    let table = Table::categorical(codes, vec![3]).unwrap();
    let config = MixtureConfig { smoothing: 0.0, ..Default::default() };
    let mixture = fit(&config, &table, &noise()).unwrap().mixture;
    let unseen = Table::categorical(vec![0, 2], vec![3]).unwrap();
    assert_eq!(mixture.log_density(&unseen).unwrap()[1], f64::NEG_INFINITY);
    assert_eq!(mixture.responsibilities(&unseen), Err(MixtureError::Impossible { row: 1 }));
    let other = Table::categorical(vec![0], vec![4]).unwrap();
    assert!(matches!(mixture.log_density(&other), Err(MixtureError::Columns { .. })));
    let em = Em::from_mixture(config, mixture, &unseen);
    assert_eq!(em.unwrap().step(&unseen), Err(MixtureError::Impossible { row: 1 }));
}
