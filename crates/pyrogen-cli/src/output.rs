//! Where results go: files by their ending, JSON or plain lines on standard output.

use std::borrow::Cow;
use std::io::{ErrorKind, Write};
use std::path::Path;

use pyrogen::core::FolderError;
use pyrogen::core::folder::remove_abandoned;
use pyrogen::data::{Cells, Data, Modality, Sequences, Table, auto_scale, grid_png_file};
use pyrogen::model::Detailed;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::CliError;

/// One line on standard error; nobody may be listening, which is no reason to stop.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", harmless(text));
}

/// Text whose control characters are written out: names out of other people's files may hold sequences
/// that a terminal obeys.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if obeyed(c) { c.escape_default().collect() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect::<Vec<String>>().concat())
}

/// Endings that items of a modality can be written with; the empty one is a folder.
fn endings(modality: Modality) -> &'static [&'static str] {
    match modality {
        Modality::Pictures => &["png", "csv", "npy", ""],
        Modality::Table | Modality::Points => &["csv", "npy"],
        Modality::Text => &["txt", ""],
        Modality::Pairs => &["tsv", "csv", "txt"],
        Modality::Sequences => &["csv"],
        Modality::Sound => &["", "wav"],
        Modality::Documents => &["ldac"],
        _ => &["csv"],
    }
}

/// Checks that items of a modality can be written at a path, before any computing.
pub fn check_out(path: &Path, modality: Modality) -> Result<(), CliError> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    let ending = ending.unwrap_or_default();
    let allowed = endings(modality);
    if allowed.contains(&ending.as_str()) {
        return Ok(());
    }
    let name = |e: &&str| if e.is_empty() { "a folder".into() } else { format!(".{e}") };
    let allowed: Vec<String> = allowed.iter().map(name).collect();
    let what = match ending.as_str() {
        "" => "a folder".to_string(),
        ending => format!(".{ending}"),
    };
    Err(CliError::Usage(format!(
        "{}: {modality} cannot be written as {what}; give {}",
        path.display(),
        allowed.join(", ")
    )))
}

/// Checks that items of a modality can be read on a terminal.
pub fn check_readable(modality: Modality) -> Result<(), CliError> {
    match modality {
        Modality::Pictures | Modality::Sound => {
            Err(CliError::Usage(format!("{modality} cannot be read here: give --out")))
        }
        _ => Ok(()),
    }
}

/// Whether a path asks for a grid of pictures.
pub fn is_grid(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"))
}

/// Checks the ending of a file of numbers, before any computing.
pub fn expect_ending(path: &Path, allowed: &[&str]) -> Result<(), CliError> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    if allowed.iter().any(|a| ending == *a) {
        return Ok(());
    }
    let allowed: Vec<String> = allowed.iter().map(|a| format!(".{a}")).collect();
    Err(CliError::Usage(format!("{}: give {}", path.display(), allowed.join(" or "))))
}

/// Makes the folder that a file is to be in, and clears it of what killed commands left.
pub fn make_parent(path: &Path) -> Result<(), CliError> {
    let parent = path.parent().unwrap_or(Path::new(""));
    if parent.as_os_str().is_empty() {
        remove_abandoned(Path::new("."));
        return Ok(());
    }
    std::fs::create_dir_all(parent).map_err(FolderError::io(parent, "create"))?;
    remove_abandoned(parent);
    Ok(())
}

/// Writes items; `columns` is for grids (0 for a square).
pub fn write_items(path: &Path, items: &Data, columns: usize) -> Result<(), CliError> {
    make_parent(path)?;
    let rows = items.dataset().filter(|_| is_grid(path));
    let Some(rows) = rows else { return Ok(items.write(path)?) };
    let (layout, event) = (rows.layout(), rows.event_shape());
    let scale = auto_scale(event);
    Ok(grid_png_file(path, &layout.to_unit(rows.values()), rows.len(), event, columns, scale)?)
}

/// Items on standard output: texts with a blank line between two, pairs a line each with a tab within,
/// others as the rows of a table.
pub fn print_items(items: &Data) -> Result<(), CliError> {
    match items {
        Data::Text(text) => print_line(&text.documents().join("\n\n")),
        Data::Pairs(pairs) => print_text(&harmless(&pairs.lines())),
        items => print_text(&as_csv(items)?),
    }
}

/// A piece of an item on standard output.
pub fn print_piece(piece: &Data) -> Result<(), CliError> {
    match piece {
        Data::Text(text) => text.documents().iter().try_for_each(|d| print_text(d)),
        piece => {
            let rows = as_csv(piece)?;
            print_text(rows.split_once('\n').map_or("", |(_, rows)| rows))
        }
    }
}

/// Items as the text of a CSV file.
fn as_csv(items: &Data) -> Result<String, CliError> {
    check_readable(items.modality())?;
    let room = tempfile::tempdir()?;
    let path = room.path().join("items.csv");
    items.write(&path)?;
    Ok(std::fs::read_to_string(&path)?)
}

/// Items as JSON, with what is known of each beside it.
pub fn items_json(drawn: &Detailed) -> Vec<Value> {
    let one = |i: usize| {
        let mut fields = match &drawn.items {
            Data::Text(text) => Map::from_iter([("text".into(), json!(&*text.documents()[i]))]),
            Data::Pairs(pairs) => Map::from_iter([
                ("source".into(), json!(&*pairs.sources()[i])),
                ("target".into(), json!(&*pairs.targets()[i])),
            ]),
            Data::Table(table) => {
                let names = table.column_names().into_iter().enumerate();
                let cells = names.map(|(j, name)| (name, cell_json(table, i, j)));
                Map::from_iter([("row".into(), Value::Object(cells.collect()))])
            }
            Data::Sequences(sequences) => {
                Map::from_iter([("steps".into(), steps_json(sequences, i))])
            }
            items => match items.dataset() {
                Some(rows) => Map::from_iter([("values".into(), json!(rows.row(i)))]),
                None => Map::new(),
            },
        };
        fields.extend(drawn.details.get(i).cloned().unwrap_or_default());
        Value::Object(fields)
    };
    (0..drawn.items.len()).map(one).collect()
}

/// A cell: null where it is missing, a number where the column has numbers, else its text.
/// The steps of a sequence: numbers, the names of symbols, null where one is missing.
fn steps_json(sequences: &Sequences, i: usize) -> Value {
    let width = sequences.columns().len();
    let steps = sequences.sequence(i).chunks_exact(width).enumerate().map(|(step, values)| {
        let cell = |(j, v): (usize, &f64)| match sequences.symbols(j) {
            Some(_) if !v.is_nan() => json!(sequences.cell(i, step, j)),
            _ => json!(v),
        };
        values.iter().enumerate().map(cell).collect::<Value>()
    });
    steps.collect()
}

fn cell_json(table: &Table, row: usize, column: usize) -> Value {
    if table.is_missing(row, column) {
        return Value::Null;
    }
    match &*table.cells(column) {
        Cells::Integers(v) if table.columns()[column].kind.name() == "integer" => json!(v[row]),
        Cells::Numbers(v) => json!(v[row]),
        _ => json!(table.text(row, column)),
    }
}

/// A text as a cell of a CSV file.
pub fn csv_cell(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_string(),
    }
}

/// One JSON object on standard output.
pub fn print_json<T: Serialize>(value: &T) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(|e| CliError::Failed(e.to_string()))?;
    print_line(&text)
}

/// One line on standard output.
pub fn print_line(text: &str) -> Result<(), CliError> {
    print_text(&format!("{}\n", harmless(text)))
}

/// Text on standard output; a reader that has gone away is no error.
pub fn print_text(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::Failed(format!("standard output: cannot write: {e}")))
        }
        _ => Ok(()),
    }
}

/// `name: value` lines of a JSON object, nested names joined with dots.
pub fn print_fields(value: &Value, path: &str) -> Result<(), CliError> {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                print_fields(value, &here)?;
            }
        }
        Value::String(text) => print_line(&format!("{path}: {text}"))?,
        Value::Null => {}
        other => print_line(&format!("{path}: {other}"))?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_commanded() {
        assert_eq!(harmless("a\tb\nüber"), "a\tb\nüber");
        assert_eq!(harmless("\u{1b}[31mred\u{7}\r\u{9b}2J"), "\\u{1b}[31mred\\u{7}\\r\\u{9b}2J");
    }
}
