//! Everything that this crate promises to its users, in one program: each test program links all of
//! Burn.

mod anomalies;
mod bad_input;
mod commands;
mod common;
mod contexts;
mod cores;
mod diffusion_families;
mod disk;
mod gan_family;
mod kill;
mod pairs;
mod sources;
mod text_metrics;
mod texts;
mod vae_families;

#[test]
fn every_file_is_a_module() {
    pyrogen_testkit::every_file_is_a_module(env!("CARGO_MANIFEST_DIR"));
}
