//! What a generator makes.

use serde::{Deserialize, Serialize};

/// Which numbers examples hold.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Output {
    /// Numbers in [0, 1], as pictures have. The networks see them in [-1, 1]: the generator ends
    /// with the hyperbolic tangent.
    #[default]
    Unit,
    /// Any numbers, as columns of a table or points of a plane have.
    Real,
}
