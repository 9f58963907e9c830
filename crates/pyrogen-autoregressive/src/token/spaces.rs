//! What happens to a text before it is cut into SentencePiece's pieces.

use serde::{Deserialize, Serialize};

use super::sentence::SPACE;

/// A step of preparing a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// A text that is not empty gets this at its front.
    Prepend(String),
    /// One string for another.
    Replace(String, String),
    /// Two spaces or more become one.
    Squeeze,
    /// The text is cut at white space, which is left out.
    Words,
    /// Spaces become `▁`. The text, or each word, gets one at its front where it has none; and it is cut
    /// before each.
    Metaspace { front: Front, split: bool },
}

/// Where a space is put at the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Front {
    /// At each word.
    Always,
    /// At the text.
    First,
    Never,
}

impl Step {
    pub(super) fn adds_space(&self) -> bool {
        match self {
            Self::Prepend(front) => front == SPACE || front == " ",
            Self::Metaspace { front, .. } => *front != Front::Never,
            _ => false,
        }
    }

    /// The pieces that all steps leave of a text.
    pub(super) fn all(steps: &[Self], text: &str) -> Vec<String> {
        // With each piece whether it is the text's beginning.
        let mut parts = vec![(true, text.to_string())];
        for step in steps {
            parts = parts.into_iter().flat_map(|(first, part)| step.of(first, part)).collect();
        }
        parts.into_iter().map(|(_, part)| part).filter(|part| !part.is_empty()).collect()
    }

    fn of(&self, first: bool, text: String) -> Vec<(bool, String)> {
        if text.is_empty() {
            return vec![(first, text)];
        }
        match self {
            Self::Prepend(front) => vec![(first, format!("{front}{text}"))],
            Self::Replace(from, to) => vec![(first, text.replace(from.as_str(), to))],
            Self::Squeeze => {
                let mut out = String::with_capacity(text.len());
                for c in text.chars() {
                    if c != ' ' || !out.ends_with(' ') {
                        out.push(c);
                    }
                }
                vec![(first, out)]
            }
            Self::Words => {
                let own = first && !text.starts_with(char::is_whitespace);
                let words = text.split_whitespace().enumerate();
                words.map(|(i, word)| (own && i == 0, word.to_string())).collect()
            }
            Self::Metaspace { front, split } => metaspace(&text, first, *front, *split),
        }
    }
}

fn metaspace(text: &str, first: bool, front: Front, split: bool) -> Vec<(bool, String)> {
    let mut text = text.replace(' ', SPACE);
    let wanted = front == Front::Always || (front == Front::First && first);
    if wanted && !text.starts_with(SPACE) {
        text.insert_str(0, SPACE);
    }
    if !split {
        return vec![(first, text)];
    }
    let mut out: Vec<(bool, String)> = Vec::new();
    for c in text.chars() {
        let cut = SPACE.starts_with(c);
        match out.last_mut() {
            Some((_, last)) if !cut => last.push(c),
            _ => out.push((first && out.is_empty(), c.to_string())),
        }
    }
    out
}
