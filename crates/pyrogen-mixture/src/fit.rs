//! Whole fits.

use pyrogen_core::Noise;

use crate::{Criteria, Em, Event, Mixture, MixtureConfig, MixtureError, Status, Table};

/// The result of [`fit`].
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The mixture of the best start.
    pub mixture: Mixture,
    /// Its criteria on the table.
    pub criteria: Criteria,
    /// How its start ended.
    pub status: Status,
    /// Steps that were made.
    pub steps: u64,
    /// The best start's log-likelihood before each step, in nats.
    pub history: Vec<f64>,
    /// What happened on the way, of all starts.
    pub events: Vec<Event>,
}

/// Fits a mixture by expectation maximisation, from all starts of the configuration to their ends.
///
/// [`Em`] does the same a step at a time.
///
/// # Errors
/// As [`Em::new`] and [`Em::step`].
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_mixture::{MixtureConfig, Table, fit};
///
/// // Two clouds, a tenth of the cells missing, one row twice as heavy.
/// let draws = Noise::new(Seed(3)).normal_vec(600);
/// let cell = |i: usize| match i % 10 {
///     7 => f64::NAN,
///     _ => draws[i] + if i / 2 % 3 == 0 { 6.0 } else { 0.0 },
/// };
/// let table = Table::numeric((0..600).map(cell).collect(), 2)?
///     .with_weights((0..300).map(|row| if row == 5 { 2.0 } else { 1.0 }).collect())?;
/// let fit = fit(&MixtureConfig::default(), &table, &Noise::new(Seed(1)))?;
/// let weights = fit.mixture.weights();
/// assert!((weights[0].max(weights[1]) - 2.0 / 3.0).abs() < 0.01);
/// assert!(fit.history.windows(2).all(|w| w[1] >= w[0] - 1e-9));
/// # Ok::<(), pyrogen_mixture::MixtureError>(())
/// ```
pub fn fit(config: &MixtureConfig, table: &Table, noise: &Noise) -> Result<Fit, MixtureError> {
    run(Em::new(config.clone(), table, noise)?, table)
}

/// Steps until no start goes on.
///
/// # Errors
/// As [`Em::step`].
pub(crate) fn run(mut em: Em, table: &Table) -> Result<Fit, MixtureError> {
    let (mut history, mut events) = (Vec::new(), Vec::new());
    while !em.is_done() {
        let progress = em.step(table)?;
        history.push(progress.log_likelihood);
        events.extend(progress.events);
    }
    let mixture = em.best().clone();
    let criteria = mixture.criteria(table)?;
    Ok(Fit { mixture, criteria, status: em.status(), steps: em.steps(), history, events })
}
