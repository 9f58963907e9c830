//! What a mixture can do.

use std::ops::Range;

use pyrogen_core::{Counts, Likelihood, Noise, Unit};
use pyrogen_data::{Data, Modality};
use pyrogen_model::{
    Ability, Assign, Assignment, Complete, Control, Error, Generate, Given, Likely, Marginal,
    OptionSpec, Options, Query, Request, count, host,
};
use rayon::prelude::*;

use super::saved::Saved;
use crate::{Conditional, Fill, MISSING, Mixture, Table};

/// A mixture behind the door.
pub(super) struct Gmm(pub Saved);

/// Rows that are worked on at once.
const ROWS: u64 = 4096;

/// Parts that are worked on between two looks at the control.
const PARTS: u64 = 16;

impl Gmm {
    /// Rows of all columns for items, part by part on all cores.
    fn rows(
        &self,
        items: Range<u64>,
        what: &'static str,
        control: &Control,
        some: impl Fn(Range<u64>) -> Result<Vec<f64>, Error> + Sync,
    ) -> Result<Vec<f64>, Error> {
        let n = count(&items)?;
        let mut all = Vec::new();
        all.try_reserve_exact(n.saturating_mul(self.0.columns.width())).map_err(|_| {
            Error::Memory(format!("{n} items do not fit into memory: draw fewer at a time"))
        })?;
        let parts = host::by_parts(items, what, control, ROWS * PARTS, |items| {
            let starts: Vec<u64> = items.clone().step_by(ROWS as usize).collect();
            let one = |start: u64| some(start..items.end.min(start + ROWS));
            starts.into_par_iter().map(one).collect()
        })?;
        parts.into_iter().for_each(|part| all.extend(part));
        Ok(all)
    }

    /// The data as the mixture's table, with the cells it was made of.
    fn read(&self, data: &Data, absent: bool) -> Result<(Table, Vec<f64>), Error> {
        if data.is_empty() {
            return Err(Error::Wish("the data is empty".into()));
        }
        let cells = self.0.columns.cells(data, absent)?;
        Ok((self.0.columns.table(&cells)?, cells))
    }

    fn mixture(&self) -> &Mixture {
        &self.0.mixture
    }
}

impl Generate for Gmm {
    fn options(&self) -> Vec<OptionSpec> {
        let about = "whether cells go missing as often as in the training data, column by column";
        vec![OptionSpec::new("missing", true, about)]
    }

    fn generate(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options =
            Options::resolve(Ability::Generate, &Generate::options(self), &request.options)?;
        host::unconditional(request)?;
        let holes = options
            .get("missing")
            .as_bool()
            .ok_or_else(|| Error::option("missing", "true or false", options.get("missing")))?;
        let noise = Noise::new(request.seed).fork("samples");
        let (columns, width) = (&self.0.columns, self.0.columns.width());
        let cells = self.rows(items, "drawn", control, |items| {
            let range = items.start as usize..items.end as usize;
            let drawn = self.mixture().sample(range, &noise).map_err(|e| columns.error(e))?;
            let mut cells = columns.of_table(&drawn.table);
            if holes && self.0.missing.iter().any(|p| *p > 0.0) {
                let mut stream = noise.fork("missing");
                stream.seek(items.start * width as u64);
                let draws = stream.uniform_vec(cells.len());
                for (place, (cell, u)) in cells.iter_mut().zip(draws).enumerate() {
                    if u < self.0.missing[place % width] {
                        *cell = f64::NAN;
                    }
                }
            }
            Ok(cells)
        })?;
        columns.data(&cells)
    }
}

impl Complete for Gmm {
    fn options(&self) -> Vec<OptionSpec> {
        let about = "how a missing cell is filled: with a draw from its distribution given the row's \
                     other cells, or with the expected number and the most probable text";
        vec![OptionSpec::new("fill", "draw", about).one_of(["draw", "expectation"])]
    }

    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options =
            Options::resolve(Ability::Complete, &Complete::options(self), &request.options)?;
        host::unconditional(request)?;
        let (columns, width) = (&self.0.columns, self.0.columns.width());
        let (_, mut known) = self.read(&given.items, true)?;
        if let Some(mask) = &given.mask {
            if mask.len() != width {
                let expected = format!("of {width} values, as an item has");
                return Err(Error::option("mask", expected, format!("{} values", mask.len())));
            }
            let hidden = |(place, _): &(usize, &mut f64)| !mask[place % width];
            known.iter_mut().enumerate().filter(hidden).for_each(|(_, v)| *v = f64::NAN);
        }
        let rows = given.items.len() as u64;
        let noise = Noise::new(request.seed).fork("completed");
        let expectation = options.text("fill")? == Some("expectation");
        let cells = self.rows(items, "completed", control, |items| {
            let start = items.start;
            let row = |i: u64| &known[(i % rows) as usize * width..][..width];
            let table = columns.table(&items.flat_map(row).copied().collect::<Vec<f64>>())?;
            let fill = match expectation {
                true => Fill::Expectation,
                false => Fill::Items { noise: &noise, first: start },
            };
            let full = self.mixture().complete(&table, fill).map_err(|e| columns.error(e))?;
            Ok(columns.of_table(&full))
        })?;
        columns.data(&cells)
    }
}

impl Likely for Gmm {
    fn score(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        Options::resolve(Ability::Score, &[], &request.options)?;
        let (columns, width) = (&self.0.columns, self.0.columns.width());
        let (_, cells) = self.read(data, false)?;
        let nats = host::by_parts(0..data.len() as u64, "scored", control, ROWS * PARTS, |rows| {
            let part = &cells[rows.start as usize * width..rows.end as usize * width];
            let nats = columns
                .table(part)
                .and_then(|table| self.mixture().log_density(&table).map_err(|e| columns.error(e)));
            match nats {
                Ok(nats) => nats.into_iter().map(Ok).collect(),
                Err(e) => vec![Err(e)],
            }
        })?;
        // A cell that is missing costs nothing, and counts as none.
        let observed = |row: &[f64]| row.iter().filter(|v| !v.is_nan()).count();
        let counts = match cells.iter().any(|v| v.is_nan()) {
            false => Counts::Same(width),
            true => Counts::Each(cells.chunks_exact(width).map(observed).collect()),
        };
        let unit = match columns.modality() {
            Modality::Table => Unit::Cell,
            _ => Unit::Dimension,
        };
        Ok(Likelihood::exact(nats, width).in_units(unit, counts))
    }
}

impl Assign for Gmm {
    fn assign(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Assignment, Error> {
        Options::resolve(Ability::Assign, &[], &request.options)?;
        control.check()?;
        let (table, _) = self.read(data, false)?;
        let (mixture, columns) = (self.mixture(), &self.0.columns);
        let shares = mixture.responsibilities(&table).map_err(|e| columns.error(e))?;
        let rows = || shares.chunks_exact(mixture.components());
        let most = |row: &[f64]| vec![crate::mixture::largest(row) as u32];
        Ok(Assignment {
            what: "component".into(),
            names: (1..=mixture.components()).map(|k| k.to_string()).collect(),
            assigned: rows().map(most).collect(),
            probabilities: rows().map(<[f64]>::to_vec).collect(),
        })
    }
}

impl Query for Gmm {
    /// A number by its mean and standard deviation, whatever its distribution given the others is; a
    /// text by the probabilities of its categories.
    fn query(
        &self,
        evidence: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Vec<(String, Marginal)>>, Error> {
        Options::resolve(Ability::Query, &[], &request.options)?;
        let (table, _) = self.read(evidence, true)?;
        host::each(0..table.rows() as u64, "answered", control, |row| {
            let (numbers, codes) = (table.numbers(row as usize), table.codes(row as usize));
            if !numbers.iter().any(|v| v.is_nan()) && !codes.contains(&MISSING) {
                return Ok(Vec::new());
            }
            let given =
                self.mixture().condition(numbers, codes).map_err(|e| self.0.columns.error(e))?;
            Ok(self.marginals(&given))
        })
    }
}

impl Gmm {
    /// The marginals of what is missing, in the order of the columns.
    fn marginals(&self, given: &Conditional) -> Vec<(String, Marginal)> {
        let (columns, mixture) = (&self.0.columns, &given.mixture);
        let weights = mixture.weights();
        let d = given.numbers.len();
        let mut found: Vec<(usize, Marginal)> = Vec::new();
        for (place, own) in given.numbers.iter().enumerate() {
            let column = columns.numbers()[*own];
            let each = || weights.iter().enumerate().map(|(c, w)| (*w, mixture.mean(c)[place], c));
            let mean: f64 = each().map(|(w, m, _)| w * m).sum();
            let variance: f64 = each()
                .map(|(w, m, c)| {
                    let own = mixture.covariance(c)[place * d + place];
                    w * (own + (m - mean).powi(2))
                })
                .sum();
            let (mean, std) =
                (columns.raw(column, mean), columns.raw_distance(column, variance.sqrt()));
            found.push((column, Marginal::Continuous { mean, std }));
        }
        for (place, own) in given.categories.iter().enumerate() {
            let column = columns.texts()[*own];
            let values = columns.categories(column).unwrap_or(&[]).to_vec();
            let of = |level: usize| -> f64 {
                let each = weights.iter().enumerate();
                each.map(|(c, w)| w * mixture.probabilities(c, place)[level]).sum()
            };
            let probabilities = (0..values.len()).map(of).collect();
            found.push((column, Marginal::Discrete { values, probabilities }));
        }
        found.sort_by_key(|(column, _)| *column);
        found.into_iter().map(|(column, m)| (columns.name(column), m)).collect()
    }
}
