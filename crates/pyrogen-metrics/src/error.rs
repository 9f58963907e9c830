//! What can be wrong with what a metric is given.

/// A metric that cannot be computed from what it was given.
///
/// Every message is one line that says what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// A feature matrix without rows or without columns.
    #[error("features: {rows} rows of {cols} columns hold nothing; give at least one of each")]
    Empty {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        cols: usize,
    },
    /// A list of values that does not fill the matrix.
    #[error("features: {rows} rows of {cols} columns need {} values, got {got}", rows.saturating_mul(*cols))]
    Length {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        cols: usize,
        /// Number of values given.
        got: usize,
    },
    /// A value that is NaN or infinite.
    #[error("features: the value at row {row}, column {col} is {value}; remove or repair the row")]
    NotFinite {
        /// Row, counted from 0.
        row: usize,
        /// Column, counted from 0.
        col: usize,
        /// The value.
        value: f64,
    },
    /// One of a list of numbers that is NaN.
    #[error("{metric}: value {index} of the {set} set is NaN; remove or repair it")]
    NotANumber {
        /// The metric.
        metric: &'static str,
        /// Which set: "real", "generated", ...
        set: &'static str,
        /// Its place, counted from 0.
        index: usize,
    },
    /// A name that a signature cannot hold.
    #[error(
        "features: the name `{}` cannot stand in a signature; use visible characters without `|`",
        name.escape_debug()
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Real and generated features of different widths.
    #[error("the real features have {real} columns, the generated {generated}; they must be equal")]
    Width {
        /// Columns of the real features.
        real: usize,
        /// Columns of the generated features.
        generated: usize,
    },
    /// A part of a set that is not like the parts before it.
    #[error(
        "features: a part has {} columns of `{}`, the parts before it {} of `{}`; extract all alike",
        got.1, got.0, was.1, was.0
    )]
    OtherPart {
        /// Name and number of columns of the parts before.
        was: (String, usize),
        /// Name and number of columns of the part.
        got: (String, usize),
    },
    /// Real and generated features from different extractors.
    #[error("the real features are `{real}`, the generated `{generated}`; extract both alike")]
    DifferentFeatures {
        /// Name of the real features.
        real: String,
        /// Name of the generated features.
        generated: String,
    },
    /// Too few rows for what was asked.
    #[error("{metric}: the {set} set has {got} rows, needs at least {needed}; give more samples")]
    TooFewRows {
        /// The metric.
        metric: &'static str,
        /// Which set: "real", "generated", ...
        set: &'static str,
        /// Rows needed.
        needed: usize,
        /// Rows given.
        got: usize,
    },
    /// As many neighbours as there are rows, or none.
    #[error(
        "prdc: k = {k} neighbours in a {set} set of {rows} rows; use k from 1 to {}",
        rows.saturating_sub(1)
    )]
    Neighbours {
        /// Neighbours asked for.
        k: usize,
        /// Which set: "real" or "generated".
        set: &'static str,
        /// Rows of the smaller set.
        rows: usize,
    },
    /// Another option that is outside its range.
    #[error("{metric}: `{option}` must be {expected}, got {got}")]
    Option {
        /// The metric.
        metric: &'static str,
        /// The option.
        option: &'static str,
        /// What is allowed.
        expected: String,
        /// What was found.
        got: String,
    },
    /// Points that all coincide: there is no typical distance to take a bandwidth from.
    #[error("mmd: the median distance is 0, so there is no bandwidth; give one")]
    ZeroBandwidth,
    /// A mean vector and a covariance matrix that do not make a Gaussian.
    #[error("frechet: {message}")]
    Moments {
        /// What is wrong with them.
        message: String,
    },
    /// An eigenvalue or singular value iteration that did not end.
    #[error("frechet: the {decomposition} did not converge; look for columns of extreme magnitude")]
    NotConverged {
        /// Which decomposition.
        decomposition: &'static str,
    },
    /// A result that overflowed.
    #[error("{metric}: the result is {value}; scale the features down")]
    Overflow {
        /// The metric.
        metric: &'static str,
        /// What came out.
        value: f64,
    },
    /// A metric that does not exist.
    #[error("unknown metric `{name}`; known: {known}")]
    UnknownMetric {
        /// The name.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// Images that an extractor does not take.
    #[error("{extractor}: takes images of {expected}, got [n, channels, height, width] = {got:?}")]
    Images {
        /// The extractor.
        extractor: String,
        /// What it takes.
        expected: String,
        /// Shape of the images.
        got: [usize; 4],
    },
    /// A pixel outside the range.
    #[error(
        "{extractor}: image {image} has a value {value} outside 0 to 1; rescale or clamp first"
    )]
    PixelRange {
        /// The extractor.
        extractor: String,
        /// The image, counted from 0.
        image: usize,
        /// The value.
        value: f32,
    },
    /// Pictures and restored pictures that are not as many as their shape says.
    #[error(
        "restored pictures: [n, channels, height, width] = {shape:?} needs as many values, got {} of the originals and {} of the restored; give both whole",
        got[0], got[1]
    )]
    Restored {
        /// The shape of each set.
        shape: [usize; 4],
        /// Values of the originals and of the restored pictures.
        got: [usize; 2],
    },
    /// A pixel that is NaN or infinite.
    #[error(
        "restored pictures: picture {picture} of the {set} set has the value {value}; repair it"
    )]
    Pixel {
        /// Which set: "original" or "restored".
        set: &'static str,
        /// The picture, counted from 0.
        picture: usize,
        /// The value.
        value: f32,
    },
    /// A restored picture without any error, whose ratio of signal to noise is infinite.
    #[error(
        "psnr: picture {picture} equals its original, so the mean is infinite; use the pooled value"
    )]
    Equal {
        /// The picture, counted from 0.
        picture: usize,
    },
    /// A device that cannot give a tensor's values back.
    #[error("cannot read the tensor from its device: {message}")]
    Device {
        /// What the device said.
        message: String,
    },
    /// Log-likelihoods without a finite mean.
    #[error("the log-likelihood of example {example} is {value}, so there is no mean; look at it")]
    Likelihood {
        /// The example, counted from 0.
        example: usize,
        /// The value.
        value: f64,
    },
    /// A likelihood of no examples or of no units.
    #[error(
        "a likelihood of {examples} examples with {units} units has no mean and no rate; give data"
    )]
    NoLikelihood {
        /// Number of examples.
        examples: usize,
        /// Units that all of them have together.
        units: usize,
    },
}
