//! What a data set is made of.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What the items of a data set are. A reader declares it; nothing infers it from a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Modality {
    /// Pictures of one size.
    Pictures,
    /// Rows of named columns; cells may be missing.
    Table,
    /// Plain arrays of numbers: points in a space.
    Points,
    /// Documents of text.
    Text,
    /// Pairs of texts: a source and a target.
    Pairs,
    /// Recordings.
    Sound,
    /// Sequences of different lengths, of numbers or symbols.
    Sequences,
    /// Word counts of documents.
    Documents,
    /// Ratings of things by people.
    Ratings,
    /// Nodes and weighted edges.
    Graph,
}

impl Modality {
    /// Every modality.
    pub const ALL: [Self; 10] = [
        Self::Pictures,
        Self::Table,
        Self::Points,
        Self::Text,
        Self::Pairs,
        Self::Sound,
        Self::Sequences,
        Self::Documents,
        Self::Ratings,
        Self::Graph,
    ];

    /// The name in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pictures => "pictures",
            Self::Table => "table",
            Self::Points => "points",
            Self::Text => "text",
            Self::Pairs => "pairs",
            Self::Sound => "sound",
            Self::Sequences => "sequences",
            Self::Documents => "documents",
            Self::Ratings => "ratings",
            Self::Graph => "graph",
        }
    }
}

impl fmt::Display for Modality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Modality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|m| m.name() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|m| m.name()).collect();
            format!("unknown modality `{text}`; known: {}", known.join(", "))
        })
    }
}
