//! Where results go: files by their ending, JSON or plain lines on standard output.

use std::io::{ErrorKind, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use pyrogen::core::FolderError;
use pyrogen::data::{Layout, auto_scale, grid_png_file, picture_folder, write_csv, write_npy};
use serde::Serialize;
use serde_json::Value;

use crate::error::CliError;

/// How many examples are done, on standard error where that is a terminal, for work that goes on for
/// more than a moment.
pub fn bar(done: &'static str, of: usize) -> ProgressBar {
    let bar = ProgressBar::new(of as u64).with_message(done);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {eta} left");
    bar.set_style(style.expect("a valid template"));
    bar
}

/// The forms that examples can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A grid of pictures.
    Png,
    /// A table.
    Csv,
    /// An array.
    Npy,
    /// A folder of pictures.
    Folder,
}

impl Form {
    /// The form that a path's ending asks for, checked against what the examples are: before any
    /// computing.
    pub fn of(path: &Path, layout: &Layout) -> Result<Self, CliError> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let form = match ending.as_deref() {
            Some("png") => Self::Png,
            Some("csv") => Self::Csv,
            Some("npy") => Self::Npy,
            None => Self::Folder,
            Some(other) => {
                return Err(CliError::Usage(format!(
                    "{}: cannot write .{other}; give .png, .csv, .npy or a folder",
                    path.display()
                )));
            }
        };
        if matches!(form, Self::Png | Self::Folder) && !layout.is_picture() {
            return Err(CliError::Usage(format!(
                "{}: examples of shape {:?} are not pictures; give .csv or .npy",
                path.display(),
                layout.event
            )));
        }
        Ok(form)
    }
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

/// Writes examples in raw units; `columns` is for grids (0 for a square).
pub fn write_examples(
    path: &Path,
    raw: &[f32],
    labels: Option<&[u32]>,
    layout: &Layout,
    columns: usize,
) -> Result<(), CliError> {
    let n = raw.len() / layout.width();
    make_parent(path)?;
    let event = &layout.event;
    let scale = auto_scale(event);
    match Form::of(path, layout)? {
        Form::Png => grid_png_file(path, &layout.to_unit(raw), n, event, columns, scale)?,
        Form::Csv => write_csv(path, raw, labels, layout)?,
        Form::Npy => {
            let shape: Vec<usize> = std::iter::once(n).chain(event.iter().copied()).collect();
            write_npy(path, raw, &shape)?;
        }
        Form::Folder => {
            picture_folder(path, &layout.to_unit(raw), n, event, scale)?;
        }
    }
    Ok(())
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
