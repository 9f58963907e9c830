//! Everything that this crate promises to its users, in one program: each test program links all of
//! Burn.

mod digits;
mod properties;
mod reference;
mod reports;
mod restored;
mod tables;
#[path = "text/main.rs"]
mod text;

#[test]
fn every_file_is_a_module() {
    pyrogen_testkit::every_file_is_a_module(env!("CARGO_MANIFEST_DIR"));
}
