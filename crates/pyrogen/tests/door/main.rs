//! The one door, from outside: what a program that depends on the facade alone can rely on.

mod abilities;
mod classics;
mod flows;
mod items;
mod old_folders;
mod requests;
mod seq2seq;
mod text;
mod topics;
mod training;

use std::path::{Path, PathBuf};

use pyrogen::prelude::*;

/// A model folder that an earlier version wrote.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1").join(name)
}

/// Such a model.
fn open(name: &str) -> Model {
    pyrogen::open(fixture(name), &Device::flex()).unwrap()
}

/// Models of every family, each with the source of data that it was trained on.
const MODELS: [&str; 11] = [
    "vae",
    "iwae",
    "wae",
    "vamp-vae",
    "ladder-vae",
    "vq-vae",
    "table-vae",
    "diffusion",
    "diffusion-digits",
    "flow-matching",
    "gan",
];

/// The first rows of the data that a model of [`MODELS`] was trained on.
fn data(name: &str, n: usize) -> Data {
    let people = fixture("people.csv").display().to_string();
    let source = match name {
        "table-vae" => format!("csv:{people},label=city"),
        "flow-matching" => format!("csv:{people}"),
        "diffusion" => "toy:moons,examples=200".into(),
        _ => "digits".into(),
    };
    pyrogen::read(&source).unwrap().data.select(&(0..n).collect::<Vec<_>>())
}

/// Few steps where a sampler takes steps.
fn quick(model: &Model, seed: u64) -> Request {
    let request = Request::seed(seed);
    let steps = |o: &pyrogen::model::OptionSpec| o.name == "steps";
    match model.can().generate.as_ref().is_some_and(|g| g.options().iter().any(steps)) {
        true => request.set("steps", 3),
        false => request,
    }
}
