//! Where results go: files by their ending, JSON or plain lines on standard output.

use std::io::{ErrorKind, Write};
use std::path::Path;

use pyrogen::core::FolderError;
use pyrogen::data::{Data, Modality, auto_scale, grid_png_file};
use serde::Serialize;
use serde_json::Value;

use crate::error::CliError;

/// One line on standard error; nobody may be listening, which is no reason to stop.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Endings that items of a modality can be written with; the empty one is a folder.
fn endings(modality: Modality) -> &'static [&'static str] {
    match modality {
        Modality::Pictures => &["png", "csv", "npy", ""],
        Modality::Table | Modality::Points => &["csv", "npy"],
        Modality::Text => &["txt"],
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

/// Makes the folder that a file is to be in.
pub fn make_parent(path: &Path) -> Result<(), CliError> {
    let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) else {
        return Ok(());
    };
    Ok(std::fs::create_dir_all(parent).map_err(FolderError::io(parent, "create"))?)
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

/// One JSON object on standard output.
pub fn print_json<T: Serialize>(value: &T) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(|e| CliError::Failed(e.to_string()))?;
    print_line(&text)
}

/// One line on standard output.
pub fn print_line(text: &str) -> Result<(), CliError> {
    print_text(&format!("{text}\n"))
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
