//! [`Request`]: what is asked of a model.

use pyrogen_core::Seed;
use pyrogen_data::Data;
use serde_json::{Map, Value};

/// What is asked of a capability: the seed, a condition, and options.
///
/// A condition is a class, contexts, or the conditions of other items. Where it is left out, a
/// conditional model takes every class that it knows in turn.
///
/// ```
/// use pyrogen_model::Request;
///
/// let request = Request::seed(7).class("cat").set("steps", 20);
/// assert_eq!(request.options["steps"], 20);
/// ```
#[derive(Debug, Clone)]
pub struct Request {
    /// The seed of all draws: the same seed and item number give the same item.
    pub seed: Seed,
    /// The class of all items, by its name or number.
    pub class: Option<String>,
    /// Contexts, in turn, as the model takes them: small pictures, sketches.
    pub context: Option<Data>,
    /// Items whose classes and contexts are the condition, in turn.
    pub like: Option<Data>,
    /// Options of the capability; an unknown name is an error that lists the known ones.
    pub options: Map<String, Value>,
}

impl Default for Request {
    fn default() -> Self {
        Self::seed(0)
    }
}

impl Request {
    /// A request without condition and options.
    pub fn seed(seed: u64) -> Self {
        Self { seed: Seed(seed), class: None, context: None, like: None, options: Map::new() }
    }

    /// The class of all items, by its name or number.
    pub fn class(mut self, class: impl ToString) -> Self {
        self.class = Some(class.to_string());
        self
    }

    /// Contexts, in turn.
    pub fn context(mut self, context: Data) -> Self {
        self.context = Some(context);
        self
    }

    /// The conditions of these items, in turn.
    pub fn like(mut self, items: Data) -> Self {
        self.like = Some(items);
        self
    }

    /// An option.
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.options.insert(name.to_string(), value.into());
        self
    }
}
