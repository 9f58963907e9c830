//! Everything that this crate promises to its users, in one program: each test program links all of
//! Burn.

mod cells;
mod columns;
mod conformance;
mod glow;
mod latent;
mod learning;
mod pictures;
mod properties;
mod reference;
mod tarflow;

#[test]
fn every_file_is_a_module() {
    pyrogen_testkit::every_file_is_a_module(env!("CARGO_MANIFEST_DIR"));
}
