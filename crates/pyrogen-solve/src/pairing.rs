//! Which noise goes with which example.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

/// How the noise of a batch is paired with its examples.
///
/// # References
/// Tong et al. 2024; Pooladian et al. 2023 (minibatch optimal transport).
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pairing {
    /// As it was drawn.
    #[default]
    Independent,
    /// With the least sum of squared distances within the batch, exactly: paths cross less, and
    /// few steps go further.
    OptimalTransport,
}

impl Pairing {
    /// The noise in the order of its examples.
    ///
    /// # Numerics
    /// Squared distances by one matrix product, in the type of the tensors; the assignment in f64
    /// on the host, in time of the cube of the batch at worst.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn pair<const D: usize>(self, data: &Tensor<D>, noise: Tensor<D>) -> Tensor<D> {
        let shape = data.dims();
        assert_eq!(shape, noise.dims(), "Pairing: data and noise of one shape");
        if self == Self::Independent || shape[0] < 2 {
            return noise;
        }
        let (batch, features) = (shape[0], shape[1..].iter().product::<usize>());
        let flat = |x: &Tensor<D>| x.clone().reshape([batch, features]);
        let (a, b) = (flat(data), flat(&noise));
        let squares = |x: &Tensor<2>| x.clone().square().sum_dim(1);
        let cost = squares(&a) + squares(&b).transpose() - a.matmul(b.transpose()) * 2.0;
        let cost: Vec<f64> = cost.into_data().iter::<f64>().collect();
        let order: Vec<i32> = assign(&cost, batch).into_iter().map(|j| j as i32).collect();
        let order = Tensor::<1, Int>::from_data(order.as_slice(), &noise.device());
        noise.select(0, order)
    }
}

/// The assignment of least cost: the column of each row of the square matrix `cost`, row-major.
///
/// Rows are added one by one; each finds the shortest way to a free column in the reduced costs
/// (Jonker and Volgenant 1987; Crouse 2016, algorithm 1). At most `n^3` steps.
///
/// # Panics
/// If `cost` has not `n * n` numbers, or one that is not finite.
///
/// ```
/// use pyrogen_solve::assign;
///
/// let cost = [4.0, 1.0, 3.0, 2.0, 0.0, 5.0, 3.0, 2.0, 2.0];
/// assert_eq!(assign(&cost, 3), [1, 0, 2]); // 1 + 2 + 2
/// ```
pub fn assign(cost: &[f64], n: usize) -> Vec<usize> {
    assert_eq!(cost.len(), n * n, "assign: a square matrix of {n} rows");
    assert!(cost.iter().all(|c| c.is_finite()), "assign: costs must be finite");
    let mut search =
        Search { cost, n, rows: vec![0.0; n], columns: vec![0.0; n], row_of: vec![None; n] };
    (0..n).for_each(|row| search.add(row));
    let mut column_of = vec![0; n];
    for (column, row) in search.row_of.iter().enumerate() {
        column_of[row.expect("every column has a row")] = column;
    }
    column_of
}

/// Rows assigned so far, and prices for which no assigned pair can be undercut.
struct Search<'a> {
    cost: &'a [f64],
    n: usize,
    rows: Vec<f64>,
    columns: Vec<f64>,
    row_of: Vec<Option<usize>>,
}

impl Search<'_> {
    /// Assigns one more row, moving others along the shortest way to a free column.
    fn add(&mut self, new: usize) {
        let n = self.n;
        let mut distance = vec![f64::INFINITY; n];
        let mut before = vec![new; n]; // the row from which a column is reached
        let mut done = vec![false; n];
        let (mut row, mut so_far) = (new, 0.0);
        let end = loop {
            let mut nearest = (f64::INFINITY, usize::MAX);
            for column in (0..n).filter(|&c| !done[c]) {
                let reduced = self.cost[row * n + column] - self.rows[row] - self.columns[column];
                if so_far + reduced < distance[column] {
                    distance[column] = so_far + reduced;
                    before[column] = row;
                }
                let better = distance[column] < nearest.0
                    || (distance[column] == nearest.0 && self.row_of[column].is_none());
                if better {
                    nearest = (distance[column], column);
                }
            }
            so_far = nearest.0;
            done[nearest.1] = true;
            match self.row_of[nearest.1] {
                None => break nearest.1,
                Some(next) => row = next,
            }
        };
        self.rows[new] += so_far;
        for column in (0..n).filter(|&c| done[c] && c != end) {
            let gap = so_far - distance[column];
            self.rows[self.row_of[column].expect("on the way")] += gap;
            self.columns[column] -= gap;
        }
        self.move_along(new, end, &before);
    }

    /// Gives each row on the way the column it came to.
    fn move_along(&mut self, new: usize, end: usize, before: &[usize]) {
        let mut column = end;
        loop {
            let row = before[column];
            self.row_of[column] = Some(row);
            if row == new {
                break;
            }
            column = self.column_left(row, column);
        }
    }

    /// The column that `row` had before it got `now`.
    fn column_left(&self, row: usize, now: usize) -> usize {
        let has = |&c: &usize| c != now && self.row_of[c] == Some(row);
        (0..self.n).find(has).expect("a row on the way had a column")
    }
}
