//! [`Hmm`]: the parameters of a hidden Markov model.

use serde::{Deserialize, Serialize};

use super::emission::Emission;
use crate::MarkovError;

/// A hidden Markov model: `p(x, z) = start[z_0] Π transition[z_(t-1)][z_t] Π emission(x_t | z_t)`.
///
/// A 0 in `start` or `transition` is a structural one: learning keeps it.
///
/// # References
/// Rabiner (1989); Zucchini, MacDonald and Langrock (2016).
///
/// # Examples
/// ```
/// use pyrogen_markov::{Sequences, hmm::{Emission, Hmm, Poisson}};
///
/// let emission = Emission::Poisson(Poisson { means: vec![vec![10.0], vec![30.0]] });
/// let model = Hmm::new(vec![0.5, 0.5], vec![vec![0.9, 0.1], vec![0.2, 0.8]], emission)?;
/// let data = Sequences::real(vec![9.0, 12.0, 28.0, 33.0], 1, vec![4])?;
/// assert_eq!(model.viterbi(&data)?[0].states, [0, 0, 1, 1]);
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hmm {
    pub(super) start: Vec<f64>,
    /// Row-major, `[from, to]`.
    pub(super) transition: Vec<f64>,
    pub(super) emission: Emission,
    /// The emission distribution of each state, where states share them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shared: Option<Vec<usize>>,
}

/// How far probabilities may add up beside 1: what printed tables round.
const SUM: f64 = 1e-6;

impl Hmm {
    /// A model with one emission distribution a state.
    ///
    /// # Errors
    /// Probabilities that do not add up to 1, tables of other sizes, emission parameters outside
    /// their range.
    pub fn new(
        start: Vec<f64>,
        transition: Vec<Vec<f64>>,
        emission: Emission,
    ) -> Result<Self, MarkovError> {
        let k = start.len();
        let count = |name, got| match got == k {
            true => Ok(()),
            false => Err(MarkovError::Count { name, expected: k, got }),
        };
        count("transition", transition.len())?;
        transition.iter().try_for_each(|row| count("a row of transition", row.len()))?;
        count("emission", emission.classes())?;
        let transition = transition.into_iter().flatten().collect();
        let model = Self { start, transition, emission, shared: None };
        model.check()?;
        Ok(model)
    }

    /// The same with emission distributions that states share: state `i` has distribution
    /// `shared[i]`.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a distribution that does not exist.
    pub fn tied(
        start: Vec<f64>,
        transition: Vec<Vec<f64>>,
        emission: Emission,
        shared: Vec<usize>,
    ) -> Result<Self, MarkovError> {
        let k = start.len();
        for (name, got) in [("transition", transition.len()), ("shared", shared.len())] {
            if got != k {
                return Err(MarkovError::Count { name, expected: k, got });
            }
        }
        if let Some(row) = transition.iter().find(|row| row.len() != k) {
            let (name, got) = ("a row of transition", row.len());
            return Err(MarkovError::Count { name, expected: k, got });
        }
        let transition = transition.into_iter().flatten().collect();
        let model = Self { start, transition, emission, shared: Some(shared) };
        model.check()?;
        Ok(model)
    }

    /// Checks probabilities and emission parameters: what a model from a file needs.
    ///
    /// # Errors
    /// What [`new`](Self::new) refuses.
    pub fn check(&self) -> Result<(), MarkovError> {
        let k = self.states();
        if k == 0 {
            return Err(MarkovError::request("states", "at least 1", 0));
        }
        if self.transition.len() != k * k {
            let got = self.transition.len();
            return Err(MarkovError::Count { name: "transition", expected: k * k, got });
        }
        probabilities("start", &self.start)?;
        self.transition.chunks_exact(k).try_for_each(|row| probabilities("transition", row))?;
        self.emission.validate()?;
        let classes = self.emission.classes();
        match &self.shared {
            None if classes != k => {
                Err(MarkovError::Count { name: "emission", expected: k, got: classes })
            }
            Some(shared) if shared.len() != k => {
                Err(MarkovError::Count { name: "shared", expected: k, got: shared.len() })
            }
            Some(shared) => match shared.iter().find(|c| **c >= classes) {
                Some(c) => Err(MarkovError::request("shared", format!("below {classes}"), c)),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.start.len()
    }

    /// Probabilities of the first state.
    pub fn start(&self) -> &[f64] {
        &self.start
    }

    /// Probabilities of the state that follows state `from`.
    ///
    /// # Panics
    /// If there are not so many states.
    pub fn transition(&self, from: usize) -> &[f64] {
        let k = self.states();
        &self.transition[from * k..(from + 1) * k]
    }

    /// The emission distributions.
    pub fn emission(&self) -> &Emission {
        &self.emission
    }

    /// The emission distribution of a state.
    ///
    /// # Panics
    /// If there are not so many states.
    pub fn emission_of(&self, state: usize) -> usize {
        self.shared.as_ref().map_or(state, |shared| shared[state])
    }

    /// Number of free parameters: what AIC and BIC count. Structural zeros are not free.
    pub fn free_parameters(&self) -> usize {
        let free = |row: &[f64]| row.iter().filter(|p| **p > 0.0).count().max(1) - 1;
        free(&self.start)
            + self.transition.chunks_exact(self.states()).map(free).sum::<usize>()
            + self.emission.free_parameters()
    }

    /// The transition matrix.
    pub(crate) fn rows(&self) -> Vec<Vec<f64>> {
        self.transition.chunks_exact(self.states()).map(<[f64]>::to_vec).collect()
    }
}

pub(crate) fn probabilities(name: &'static str, row: &[f64]) -> Result<(), MarkovError> {
    if let Some(p) = row.iter().find(|p| !(0.0..=1.0 + SUM).contains(*p)) {
        return Err(MarkovError::request(name, "probabilities", p));
    }
    let sum: f64 = row.iter().sum();
    if (sum - 1.0).abs() > SUM {
        return Err(MarkovError::request(name, "probabilities that add up to 1", sum));
    }
    Ok(())
}
