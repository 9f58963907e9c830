//! The book's chapters are there, and its links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn docs() -> PathBuf {
    repository().join("docs")
}

fn chapters() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(docs().join("src"))
        .expect("docs/src")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    files.sort();
    files
}

/// The targets of `[text](target)` outside blocks of code.
fn links(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        let mut rest = if code { "" } else { line };
        while let Some(start) = rest.find("](") {
            rest = &rest[start + 2..];
            let end = rest.find(')').expect("a link ends on its line");
            out.push(rest[..end].to_string());
            rest = &rest[end..];
        }
    }
    out
}

/// What a heading's anchor is in mdBook and on GitHub.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn the_summary_lists_every_chapter() {
    let summary = fs::read_to_string(docs().join("src/SUMMARY.md")).expect("SUMMARY.md");
    let mut listed: Vec<PathBuf> =
        links(&summary).iter().map(|l| docs().join("src").join(l)).collect();
    listed.sort();
    let written: Vec<PathBuf> =
        chapters().into_iter().filter(|p| !p.ends_with("SUMMARY.md")).collect();
    assert_eq!(listed, written);
}

#[test]
fn links_resolve() {
    let mut checked = 0;
    let notes = ["RESULTS.md", "BENCHMARKS.md"].map(|name| docs().join(name));
    for file in chapters().into_iter().chain(notes) {
        let text = fs::read_to_string(&file).expect("a chapter");
        for link in links(&text) {
            let (path, place) = link.split_once('#').unwrap_or((&link, ""));
            if path.contains("://") {
                continue;
            }
            // mdBook does not copy what lies outside `src`.
            assert!(!path.contains(".."), "{}: {link} leaves the book", file.display());
            let target = match path {
                "" => file.clone(),
                path => file.parent().expect("in a folder").join(path),
            };
            assert!(target.exists(), "{}: {link} leads nowhere", file.display());
            if !place.is_empty() {
                let text = fs::read_to_string(&target).expect("a chapter");
                let found = text.lines().any(|l| l.starts_with('#') && anchor(l) == place);
                assert!(found, "{}: {link} names no heading", file.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "the book has links: {checked}");
}

/// Files of the repository that a text names in code, as `docs/RESULTS.md`.
fn named_files(text: &str) -> Vec<&str> {
    let code = text.split('`').skip(1).step_by(2);
    code.filter(|c| {
        let file = c.ends_with(".rs") || c.ends_with(".md");
        file && !c.contains(char::is_whitespace) && (c.contains('/') || *c == "CONTRIBUTING.md")
    })
    .collect()
}

#[test]
fn files_that_are_named_exist() {
    let mut checked = 0;
    for file in chapters() {
        let text = fs::read_to_string(&file).expect("a chapter");
        // Blocks of code are no text.
        let prose: Vec<&str> = text.split("```").step_by(2).collect();
        for name in named_files(&prose.join("")) {
            assert!(repository().join(name).exists(), "{}: there is no {name}", file.display());
            checked += 1;
        }
    }
    assert!(checked > 5, "the book names files: {checked}");
}

#[test]
fn the_plane_shows_the_table() {
    let read = |name: &str| fs::read_to_string(docs().join("src").join(name)).expect(name);
    let drawn = pyrogen_examples::plane::plane(&read("vae.md")).expect("a table");
    assert!(
        drawn == read("rate-distortion.svg"),
        "the table changed: cargo run -p pyrogen-examples --example rate_distortion"
    );
    assert!(pyrogen_examples::plane::plane("no table").is_err());
}

#[test]
fn the_list_of_distributions_shows_their_densities() {
    let folder = docs().join("src/distributions");
    let list = fs::read_to_string(docs().join("src/distribution-list.md")).expect("the list");
    let drawn = pyrogen_examples::distributions::pictures().expect("pictures");
    for (name, svg) in &drawn {
        let file = folder.join(format!("{name}.svg"));
        assert!(
            fs::read_to_string(&file).is_ok_and(|text| text == *svg),
            "{name} changed: cargo run -p pyrogen-examples --example distribution_plots"
        );
        assert!(list.contains(&format!("(distributions/{name}.svg)")), "{name} is not in the list");
    }
    let files = fs::read_dir(folder).expect("the folder").count();
    assert_eq!(files, drawn.len(), "pictures that nothing draws");
}

#[test]
fn links_are_found() {
    let text = "a [b](c.md) and [d](e.md#f)\n```\n[x](y)\n```\n[z](#w)";
    assert_eq!(links(text), ["c.md", "e.md#f", "#w"]);
    assert_eq!(anchor("## Bits per dimension, 2"), "bits-per-dimension-2");
}

/// The lines of the blocks of Rust in a chapter, without indentation.
fn shown(chapter: &str) -> Vec<String> {
    let text = fs::read_to_string(docs().join("src").join(chapter)).expect("a chapter");
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.trim() {
            "```rust" => inside = true,
            "```" => inside = false,
            line if inside && !line.is_empty() => lines.push(line.to_string()),
            _ => {}
        }
    }
    lines
}

#[test]
fn the_tutorial_is_the_program_that_is_tested() {
    let program = repository().join("examples/examples/first_model.rs");
    let program = fs::read_to_string(program).expect("the program");
    let (_, body) = program.split_once("fn main()").expect("a main");
    let lines = body.lines().skip(1).map(str::trim).filter(|line| !line.is_empty());
    let mut lines: Vec<String> = lines.map(str::to_string).collect();
    let end = lines.split_off(lines.len() - 2);
    assert_eq!(end, ["Ok(())", "}"]);
    assert_eq!(lines, shown("tutorial-first-model.md"));
}
