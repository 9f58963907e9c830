//! One test program a crate.

use std::path::Path;

/// Checks that every file in the folder `tests` of a crate is a module of `tests/all.rs`: cargo would
/// pass over one that is not, in silence.
///
/// # Panics
/// If one is not, or the folder cannot be read.
pub fn every_file_is_a_module(crate_folder: &str) {
    let tests = Path::new(crate_folder).join("tests");
    let all = std::fs::read_to_string(tests.join("all.rs")).unwrap();
    for entry in std::fs::read_dir(&tests).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|e| e == "rs") && name != "all" {
            let module = format!("mod {name};");
            assert!(all.lines().any(|line| line == module), "tests/all.rs has no `{module}`");
        }
    }
}
