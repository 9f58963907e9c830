//! What rows are under a mixture, without sums for a next step.

use super::{Components, visit};
use crate::Table;
use crate::blocks::BLOCK;

/// Log densities of all rows, and with `shares` each row's share of every component, `[rows, k]`.
pub(crate) fn evaluate(
    components: &Components,
    table: &Table,
    shares: bool,
) -> (Vec<f64>, Vec<f64>) {
    let k = if shares { components.k() } else { 0 };
    let make = || (Vec::new(), Vec::new());
    let parts =
        visit(components, table, make, |(rows, all): &mut (Vec<_>, Vec<_>), work, block| {
            work.log_joints(block);
            work.shares();
            for place in 0..block.len {
                rows.push((table.blocks.row(block, place), work.log_density[place]));
                all.extend((0..k).map(|c| work.joint[c * BLOCK + place]));
            }
        });
    let (mut densities, mut all) = (vec![0.0; table.rows()], vec![0.0; table.rows() * k]);
    for (rows, shares) in parts {
        for (i, (row, density)) in rows.into_iter().enumerate() {
            densities[row] = density;
            all[row * k..][..k].copy_from_slice(&shares[i * k..][..k]);
        }
    }
    (densities, all)
}

/// What a fit is judged by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Judgement {
    pub log_likelihood: f64,
    /// `sum w log max_k r_k`.
    pub certainty: f64,
    /// The first row of probability zero.
    pub impossible: Option<usize>,
}

/// The log-likelihood, and how sure the assignment of rows is.
pub(crate) fn judge(components: &Components, table: &Table) -> Judgement {
    let parts = visit(components, table, Judgement::default, |sum, work, block| {
        work.log_joints(block);
        work.shares();
        for place in 0..block.len {
            let row = table.blocks.row(block, place);
            let weight = table.weight(row);
            if weight == 0.0 {
                continue;
            }
            let shares = work.joint[place..].iter().step_by(BLOCK);
            let most = shares.copied().fold(0.0, f64::max);
            if most == 0.0 {
                sum.impossible.get_or_insert(row);
            }
            sum.log_likelihood += weight * work.log_density[place];
            sum.certainty += weight * most.ln();
        }
    });
    parts.into_iter().fold(Judgement::default(), |a, b| Judgement {
        log_likelihood: a.log_likelihood + b.log_likelihood,
        certainty: a.certainty + b.certainty,
        impossible: a.impossible.or(b.impossible),
    })
}
