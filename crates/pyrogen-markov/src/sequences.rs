//! [`Sequences`]: what hidden Markov models learn from.

use std::ops::Range;

use crate::MarkovError;

/// The symbol of a step at which nothing was observed.
pub const MISSING: u32 = u32::MAX;

/// Sequences of different lengths, one behind the other: rows of numbers, or symbols.
///
/// - A number that is missing is NaN, a symbol that is missing is [`MISSING`]. Models sum over what
///   is missing; nothing is dropped or filled in.
/// - A sequence's weight `w` counts it as `w` equal sequences. Weight 0 leaves it out of learning.
/// - A step's weight `w` raises its emission density to the power `w`; weight 0 is a missing step.
/// - Sequences of length 0 are allowed: their log-likelihood is 0 and they teach nothing.
///
/// # Examples
/// ```
/// use pyrogen_markov::Sequences;
///
/// // Two sequences of two columns; the second value of the last row is missing.
/// let rows = vec![0.1, 1.0, 0.2, 1.1, 5.0, f64::NAN];
/// let data = Sequences::real(rows, 2, vec![2, 1])?.weights(vec![1.0, 3.0])?;
/// assert_eq!((data.len(), data.steps()), (2, 3));
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sequences {
    values: Values,
    /// Where each sequence starts, and the end of the last.
    starts: Vec<usize>,
    weights: Vec<f64>,
    step_weights: Vec<f64>,
    inputs: Vec<f64>,
    input_width: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    Real { values: Vec<f64>, width: usize },
    Symbols(Vec<u32>),
}

impl Sequences {
    /// Rows of `width` numbers, row-major, cut into sequences of these lengths.
    ///
    /// # Errors
    /// Lengths that do not add up, a width of 0, or an infinite value.
    pub fn real(values: Vec<f64>, width: usize, lengths: Vec<usize>) -> Result<Self, MarkovError> {
        if width == 0 || !values.len().is_multiple_of(width) {
            let expected = format!("a divisor of {} values", values.len());
            return Err(MarkovError::request("width", expected, width));
        }
        let starts = starts(&lengths, values.len() / width)?;
        if let Some(place) = values.iter().position(|v| v.is_infinite()) {
            let (sequence, step) = locate(&starts, place / width);
            let (column, value) = (place % width, values[place]);
            let expected = "finite, or NaN where it is missing";
            return Err(MarkovError::Value { sequence, step, column, expected, value });
        }
        Ok(Self::new(Values::Real { values, width }, starts))
    }

    /// Symbols, cut into sequences of these lengths.
    ///
    /// # Errors
    /// Lengths that do not add up.
    pub fn symbols(symbols: Vec<u32>, lengths: Vec<usize>) -> Result<Self, MarkovError> {
        let starts = starts(&lengths, symbols.len())?;
        Ok(Self::new(Values::Symbols(symbols), starts))
    }

    fn new(values: Values, starts: Vec<usize>) -> Self {
        let (weights, step_weights, inputs) = (Vec::new(), Vec::new(), Vec::new());
        Self { values, starts, weights, step_weights, inputs, input_width: 0 }
    }

    /// One weight a sequence.
    ///
    /// # Errors
    /// Another number of weights, or one that is negative or not finite.
    pub fn weights(mut self, weights: Vec<f64>) -> Result<Self, MarkovError> {
        check_weights("weights", &weights, self.len())?;
        self.weights = weights;
        Ok(self)
    }

    /// One weight a step, over all sequences.
    ///
    /// # Errors
    /// Another number of weights, or one that is negative or not finite.
    pub fn step_weights(mut self, weights: Vec<f64>) -> Result<Self, MarkovError> {
        check_weights("step_weights", &weights, self.steps())?;
        self.step_weights = weights;
        Ok(self)
    }

    /// Known inputs of each step, row-major, for emissions that depend on them.
    ///
    /// # Errors
    /// Another number of rows, or a value that is not finite: inputs cannot be missing.
    pub fn inputs(mut self, inputs: Vec<f64>, width: usize) -> Result<Self, MarkovError> {
        let expected = self.steps() * width;
        if inputs.len() != expected {
            return Err(MarkovError::Count { name: "inputs", expected, got: inputs.len() });
        }
        if let Some(place) = inputs.iter().position(|v| !v.is_finite()) {
            let (sequence, step) = locate(&self.starts, place / width);
            let (column, value) = (place % width, inputs[place]);
            let expected = "finite (an input)";
            return Err(MarkovError::Value { sequence, step, column, expected, value });
        }
        (self.inputs, self.input_width) = (inputs, width);
        Ok(self)
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are no sequences.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of steps of all sequences.
    pub fn steps(&self) -> usize {
        self.starts[self.len()]
    }

    /// Steps of sequence `i`.
    ///
    /// # Panics
    /// If there are not so many sequences.
    pub fn length(&self, i: usize) -> usize {
        self.starts[i + 1] - self.starts[i]
    }

    /// The weight of sequence `i`: 1 unless set.
    pub fn weight(&self, i: usize) -> f64 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    /// Columns of a row; none for symbols.
    pub fn width(&self) -> Option<usize> {
        match self.values {
            Values::Real { width, .. } => Some(width),
            Values::Symbols(_) => None,
        }
    }

    /// Columns of the inputs; 0 where there are none.
    pub fn input_width(&self) -> usize {
        self.input_width
    }

    /// The numbers, row-major; none for symbols.
    pub fn values(&self) -> Option<&[f64]> {
        match &self.values {
            Values::Real { values, .. } => Some(values),
            Values::Symbols(_) => None,
        }
    }

    /// The symbols; none for numbers.
    pub fn all_symbols(&self) -> Option<&[u32]> {
        match &self.values {
            Values::Real { .. } => None,
            Values::Symbols(symbols) => Some(symbols),
        }
    }

    /// One past the largest symbol that is observed; 0 where there is none.
    pub fn alphabet(&self) -> usize {
        let observed = self.all_symbols().unwrap_or(&[]).iter().filter(|s| **s != MISSING);
        observed.max().map_or(0, |s| *s as usize + 1)
    }

    /// The sequence and the step in it of a step counted over all sequences.
    pub(crate) fn locate(&self, step: usize) -> (usize, usize) {
        locate(&self.starts, step)
    }

    /// What the values are, in words.
    pub(crate) fn kind(&self) -> String {
        match &self.values {
            Values::Real { width, .. } => format!("rows of {width} numbers"),
            Values::Symbols(_) => "symbols".into(),
        }
    }

    pub(crate) fn view(&self, sequence: usize, steps: Range<usize>) -> View<'_> {
        View { data: self, sequence, start: self.starts[sequence], steps }
    }

    /// All steps, as one run: for what does not depend on the cuts.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        let (values, width) = match &self.values {
            Values::Real { values, width } => (values.as_slice(), *width),
            Values::Symbols(_) => (&[][..], 1),
        };
        values.chunks_exact(width)
    }

    /// Rows with their weights in learning.
    pub(crate) fn weighted_rows(&self) -> impl Iterator<Item = (f64, &[f64])> {
        let weights = (0..self.len())
            .flat_map(move |i| (0..self.length(i)).map(move |t| self.total_weight(i, t)));
        weights.zip(self.rows())
    }

    /// The weight of a step in learning: its sequence's times its own.
    pub(crate) fn total_weight(&self, sequence: usize, step: usize) -> f64 {
        let own = self.step_weights.get(self.starts[sequence] + step).copied().unwrap_or(1.0);
        self.weight(sequence) * own
    }
}

/// A run of steps of one sequence.
#[derive(Debug, Clone)]
pub(crate) struct View<'a> {
    data: &'a Sequences,
    pub(crate) sequence: usize,
    start: usize,
    /// Steps within the sequence.
    pub(crate) steps: Range<usize>,
}

impl<'a> View<'a> {
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Rows of the run, one behind the other.
    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'a, f64> {
        let Values::Real { values, width } = &self.data.values else {
            panic!("the model was checked to take rows of numbers")
        };
        let (from, to) = (self.start + self.steps.start, self.start + self.steps.end);
        values[from * width..to * width].chunks_exact(*width)
    }

    pub(crate) fn symbols(&self) -> &'a [u32] {
        let Values::Symbols(symbols) = &self.data.values else {
            panic!("the model was checked to take symbols")
        };
        &symbols[self.start + self.steps.start..self.start + self.steps.end]
    }

    /// The row `lag` steps before step `t` of the run; none before the sequence's start.
    pub(crate) fn before(&self, t: usize, lag: usize) -> Option<&'a [f64]> {
        let Values::Real { values, width } = &self.data.values else { return None };
        let step = (self.steps.start + t).checked_sub(lag)?;
        let row = self.start + step;
        Some(&values[row * width..(row + 1) * width])
    }

    /// Inputs of step `t` of the run.
    pub(crate) fn input(&self, t: usize) -> &'a [f64] {
        let (row, width) = (self.start + self.steps.start + t, self.data.input_width);
        &self.data.inputs[row * width..(row + 1) * width]
    }

    /// Weights of the run's steps; none where all are 1.
    pub(crate) fn step_weights(&self) -> Option<&'a [f64]> {
        let (from, to) = (self.start + self.steps.start, self.start + self.steps.end);
        (!self.data.step_weights.is_empty()).then(|| &self.data.step_weights[from..to])
    }
}

fn starts(lengths: &[usize], steps: usize) -> Result<Vec<usize>, MarkovError> {
    let mut starts = Vec::with_capacity(lengths.len() + 1);
    starts.push(0usize);
    let mut sum = 0usize;
    for length in lengths {
        sum = sum.saturating_add(*length);
        starts.push(sum);
    }
    if sum != steps {
        return Err(MarkovError::Lengths { lengths: sum, values: steps });
    }
    Ok(starts)
}

fn locate(starts: &[usize], step: usize) -> (usize, usize) {
    let sequence = starts.partition_point(|s| *s <= step) - 1;
    (sequence, step - starts[sequence])
}

fn check_weights(name: &'static str, weights: &[f64], expected: usize) -> Result<(), MarkovError> {
    if weights.len() != expected {
        return Err(MarkovError::Count { name, expected, got: weights.len() });
    }
    match weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
        Some(place) => Err(MarkovError::Weight { place, value: weights[place] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_data_is_named() {
        let message = |r: Result<Sequences, MarkovError>| r.unwrap_err().to_string();
        let real = |values, width, lengths| Sequences::real(values, width, lengths);
        assert!(message(real(vec![1.0; 4], 2, vec![1])).contains("add up to 1 steps"));
        assert!(message(real(vec![1.0; 4], 3, vec![1])).contains("a divisor of 4"));
        assert!(message(real(vec![1.0; 4], 0, vec![1])).contains("width"));
        let text = message(real(vec![1.0, 2.0, 3.0, f64::INFINITY], 1, vec![0, 2, 0, 2]));
        assert!(text.starts_with("sequence 3, step 1, column 0"), "{text}");
        let data = || real(vec![1.0, f64::NAN], 1, vec![2]).unwrap();
        assert!(message(data().weights(vec![-1.0])).contains("weight 0"));
        assert!(message(data().weights(vec![f64::NAN])).contains("NaN"));
        assert!(message(data().step_weights(vec![1.0])).contains("2 entries"));
        assert!(message(data().inputs(vec![1.0, f64::NAN], 1)).contains("input"));
        let huge = Sequences::symbols(vec![0], vec![usize::MAX, 2]);
        assert!(matches!(huge, Err(MarkovError::Lengths { .. })));
    }

    #[test]
    fn empty_sequences_are_sequences() {
        let data = Sequences::symbols(vec![3, MISSING], vec![0, 2, 0]).unwrap();
        assert_eq!((data.len(), data.length(0), data.length(1), data.alphabet()), (3, 0, 2, 4));
        assert_eq!(data.locate(1), (1, 1));
        assert_eq!(Sequences::symbols(vec![], vec![]).unwrap().steps(), 0);
    }
}
