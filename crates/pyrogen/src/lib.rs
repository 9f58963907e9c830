//! Generative modelling in Rust: one vocabulary for every family, on Burn.
