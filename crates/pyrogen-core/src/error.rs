//! Errors that every crate shares.
//!
//! A value that comes from outside (a config, a file, data) gives an error; a shape mistake in
//! code panics on entry. See `docs/DESIGN.md`, "Errors".

use std::path::{Path, PathBuf};

use burn::tensor::Tensor;

/// A configuration value that cannot be used.
///
/// The message names the field, what was expected and what was found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A field holds a value outside its range.
    #[error("config: field `{field}` must be {expected}, got {got}")]
    Value {
        /// The field, with dots between the levels.
        field: String,
        /// What is allowed.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A field that the configuration does not have.
    #[error("config: unknown field `{field}`; known here: {known}")]
    UnknownField {
        /// The field, with dots between the levels.
        field: String,
        /// The fields that exist at that level.
        known: String,
    },
    /// Text that is not JSON, or a value of another type.
    #[error("config: {message}")]
    Parse {
        /// What the parser said.
        message: String,
    },
}

impl ConfigError {
    /// A field whose value is outside its range.
    pub fn value(
        field: impl Into<String>,
        expected: impl Into<String>,
        got: impl std::fmt::Display,
    ) -> Self {
        Self::Value { field: field.into(), expected: expected.into(), got: got.to_string() }
    }
}

/// A parameter of a distribution outside its domain.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{distribution}: `{parameter}` must be {expected}, got {got} at element {index}")]
#[non_exhaustive]
pub struct ParameterError {
    /// The distribution.
    pub distribution: &'static str,
    /// The parameter.
    pub parameter: &'static str,
    /// What is allowed.
    pub expected: &'static str,
    /// What was found.
    pub got: f64,
    /// Where it was found, counted row by row in the parameter's own shape.
    pub index: usize,
}

/// A request that a model cannot serve, found before any computing starts.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// A class label that the model does not know.
    #[error("class {got} is out of range: the model knows classes 0 to {}", classes.saturating_sub(1))]
    ClassOutOfRange {
        /// The label asked for.
        got: usize,
        /// How many classes the model knows.
        classes: usize,
    },
    /// A class was given to a model that was trained without labels.
    #[error("a class was given, but the model was trained without labels")]
    Unconditional,
    /// A conditional model was used without labels.
    #[error("the model is conditional: give a class (0 to {})", classes.saturating_sub(1))]
    MissingLabels {
        /// How many classes the model knows.
        classes: usize,
    },
    /// A context was given to a model that takes none.
    #[error("a context was given, but the model takes none")]
    NoContext,
    /// A model that needs a context was used without.
    #[error("the model needs a context of shape {expected:?} with each example: give one")]
    MissingContext {
        /// Shape of one context that the model takes.
        expected: Vec<usize>,
    },
    /// Contexts of another shape than the model takes.
    #[error("the model takes contexts of shape {expected:?}, got {got:?}")]
    ContextShape {
        /// Shape of one context that the model takes.
        expected: Vec<usize>,
        /// Shape of one context that was given.
        got: Vec<usize>,
    },
    /// Another number of classes or contexts than of examples.
    #[error("the condition is one of {got} examples, expected {expected}")]
    ConditionRows {
        /// How many examples there are.
        expected: usize,
        /// How many the condition describes.
        got: usize,
    },
    /// A question about the posterior's spread to an encoder that gives none.
    #[error("the encoder gives {got}, and not a normal distribution")]
    NotGaussian {
        /// What it gives.
        got: &'static str,
    },
    /// Data of another shape than the model was trained on.
    #[error("the model works on examples of shape {expected:?}, the data has {got:?}")]
    EventShape {
        /// Shape of one example that the model takes.
        expected: Vec<usize>,
        /// Shape of one example of the data.
        got: Vec<usize>,
    },
    /// Another number that is outside its range.
    #[error("`{name}` must be {expected}, got {got}")]
    Value {
        /// The argument.
        name: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was found.
        got: String,
    },
}

/// A computation that left the range of finite numbers.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NumericalError {
    /// A loss term is not finite.
    #[error("step {step}: loss term `{term}` is {value}")]
    Loss {
        /// The step, counted from 1.
        step: u64,
        /// The term's name.
        term: String,
        /// Its value (NaN or infinite).
        value: f64,
    },
    /// A gradient is not finite.
    #[error(
        "step {step}: the gradient of parameter `{parameter}` is not finite (loss terms: {terms})"
    )]
    Gradient {
        /// The step, counted from 1.
        step: u64,
        /// The first such parameter, by its path in the model.
        parameter: String,
        /// The loss terms and their values at this step.
        terms: String,
    },
    /// A model gave a number that is not finite.
    #[error(
        "{what} gave a number that is NaN or infinite; check its weights, or the scale of its input"
    )]
    Output {
        /// The part of the model.
        what: &'static str,
    },
    /// A parameter is not finite after the update.
    #[error(
        "step {step}: parameter `{parameter}` is not finite after the update (loss terms: {terms})"
    )]
    Parameter {
        /// The step, counted from 1.
        step: u64,
        /// The first such parameter, by its path in the model.
        parameter: String,
        /// The loss terms and their values at this step.
        terms: String,
    },
}

/// Why a model did not do what was asked of it.
///
/// Shown, it is the error that it holds.
///
/// ```
/// use pyrogen_core::{ModelError, RequestError};
///
/// let error = ModelError::from(RequestError::NoContext);
/// assert_eq!(error.to_string(), RequestError::NoContext.to_string());
/// assert!(error.is_request());
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A request that the model cannot serve, found before any computing started.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A configuration value that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A computation that left the range of finite numbers.
    #[error(transparent)]
    Numerical(#[from] NumericalError),
    /// A method that cannot serve what was asked: the fault is in the request.
    #[error(transparent)]
    Invalid(Box<dyn std::error::Error + Send + Sync>),
    /// A computation that failed on a request that is right: a network gave NaN or infinity, or a
    /// solver did not converge.
    #[error(transparent)]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl ModelError {
    /// Whether the fault is in what was asked, and not in the computation.
    pub fn is_request(&self) -> bool {
        matches!(self, Self::Request(_) | Self::Config(_) | Self::Invalid(_))
    }
}

/// A model folder that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "read", "write", ...
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The weights file is not safetensors, or is cut off.
    #[error("{}: not a readable safetensors file: {message}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        message: String,
    },
    /// The weights do not fit the model that the config describes.
    #[error("{}: the weights do not fit the config: {message}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The tensors that differ, and how.
        message: String,
    },
    /// The weights are not the ones whose hash the card holds.
    #[error("{}: the file is damaged: its SHA-256 is not the one in card.json", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A JSON file of the folder that cannot be used.
    #[error("{}: {message}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        message: String,
    },
    /// A folder of another family.
    #[error("{}: holds a model of family `{got}`, expected `{expected}`", path.display())]
    Family {
        /// The folder.
        path: PathBuf,
        /// The family that was asked for.
        expected: String,
        /// The family of the folder.
        got: String,
    },
    /// A config that parses and cannot be used.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ConfigError,
    },
}

impl NumericalError {
    /// A tensor, if all its numbers are finite; `what` names the part of the model that gave it.
    ///
    /// # Errors
    /// [`Output`](Self::Output) where a number is NaN or infinite.
    pub fn finite<const D: usize>(x: Tensor<D>, what: &'static str) -> Result<Tensor<D>, Self> {
        match x.clone().is_finite().all().into_scalar::<bool>() {
            true => Ok(x),
            false => Err(Self::Output { what }),
        }
    }
}

impl FolderError {
    /// Wraps what the operating system said about a path.
    pub fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, action, source }
    }
}
