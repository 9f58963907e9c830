//! The book's chapters are there, and its links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
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
fn relative_links_resolve() {
    let mut checked = 0;
    for file in
        chapters().into_iter().chain([docs().join("RESULTS.md"), docs().join("BENCHMARKS.md")])
    {
        let text = fs::read_to_string(&file).expect("a chapter");
        for link in links(&text).into_iter().filter(|l| !l.contains("://")) {
            let (path, place) = link.split_once('#').unwrap_or((&link, ""));
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
    assert!(checked > 10, "the book has links: {checked}");
}

#[test]
fn links_are_found() {
    let text = "a [b](c.md) and [d](e.md#f)\n```\n[x](y)\n```\n[z](#w)";
    assert_eq!(links(text), ["c.md", "e.md#f", "#w"]);
    assert_eq!(anchor("## Bits per dimension, 2"), "bits-per-dimension-2");
}
