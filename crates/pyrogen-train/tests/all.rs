//! Everything that this crate promises to its users, in one program: each test program links all of
//! Burn.

mod adversarial;
mod common;
mod learners;
mod monitor;
mod muon;
mod optimizers;
mod resume;
mod running;
mod training;
mod workers;

#[test]
fn every_file_is_a_module() {
    pyrogen_testkit::every_file_is_a_module(env!("CARGO_MANIFEST_DIR"));
}
