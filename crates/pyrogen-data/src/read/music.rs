//! Music on a grid of steps: JSON of pieces as steps of pitches.

use std::path::Path;

use serde_json::Value;

use super::bytes;
use crate::data::{Data, Sequences};
use crate::{DataError, Loaded};

/// Reads pieces from JSON: a list of pieces, each a list of steps, each a list of MIDI pitches, a voice
/// each; or an object with such a list among its fields. What is no pitch (null, a negative number) is a
/// rest, which is missing.
pub(crate) fn load(path: &Path) -> Result<Loaded, DataError> {
    let wrong = |message: String| DataError::format(path, "music", message);
    let json: Value =
        serde_json::from_slice(&bytes::read_text(path)?).map_err(|e| wrong(e.to_string()))?;
    let voices = json["voices"].as_str().map(|names| names.split_whitespace().map(String::from));
    let pieces = match &json {
        Value::Array(pieces) => Some(pieces),
        Value::Object(fields) => {
            fields.values().find_map(|v| v.as_array().filter(|v| is_pieces(v)))
        }
        _ => None,
    };
    let pieces = pieces.filter(|pieces| is_pieces(pieces));
    let pieces = pieces.ok_or_else(|| wrong("it holds no list of pieces".to_string()))?;
    let width = pieces[0][0].as_array().map_or(0, Vec::len);
    let (mut values, mut lengths) = (Vec::new(), Vec::new());
    for (i, piece) in pieces.iter().enumerate() {
        let steps = piece.as_array().ok_or_else(|| wrong(format!("piece {i} is no list")))?;
        lengths.push(steps.len());
        for (j, step) in steps.iter().enumerate() {
            let pitches = step.as_array().filter(|pitches| pitches.len() == width);
            let expected = || wrong(format!("piece {i}, step {j}: expected {width} pitches"));
            for pitch in pitches.ok_or_else(expected)? {
                match pitch {
                    Value::Null => values.push(f64::NAN),
                    Value::Number(n) => {
                        let pitch = n.as_f64().unwrap_or(f64::NAN);
                        values.push(if pitch < 0.0 { f64::NAN } else { pitch });
                    }
                    _ => return Err(expected()),
                }
            }
        }
    }
    let names: Option<Vec<String>> = voices.map(Iterator::collect);
    let names = names.filter(|names| names.len() == width);
    let names = names.unwrap_or_else(|| (1..=width).map(|k| format!("voice{k}")).collect());
    Ok(Loaded::new(Data::Sequences(Sequences::new(names, values, lengths)?)))
}

/// Whether a list begins with a piece that begins with a step.
fn is_pieces(list: &[Value]) -> bool {
    list.first().is_some_and(|piece| piece[0].as_array().is_some_and(|step| !step.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_sequences_of_voices() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            load(&path).map(|loaded| match loaded.data {
                Data::Sequences(all) => all,
                other => panic!("{other:?}"),
            })
        };
        let named = r#"{"grid": "16th", "voices": "S B", "names": ["a", "b"],
            "chorales": [[[74, 55], [72, -1]], [[70, null]]]}"#;
        let all = read(named).unwrap();
        assert_eq!((all.columns().join(" "), all.lengths()), ("S B".to_string(), &[2, 1][..]));
        assert_eq!(all.sequence(0)[..3], [74.0, 55.0, 72.0]);
        assert!(all.sequence(0)[3].is_nan() && all.sequence(1)[1].is_nan());
        assert_eq!(read("[[[60, 61, 62]]]").unwrap().columns()[2], "voice3");
        for (text, says) in [
            ("{}", "no list of pieces"),
            ("[[[60], [61, 62]]]", "piece 0, step 1: expected 1 pitches"),
            ("[[[60], [\"a\"]]]", "piece 0, step 1"),
            ("[[[60]], 5]", "piece 1 is no list"),
            ("[[60", "music"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains('\n'), "{error}");
        }
    }
}
