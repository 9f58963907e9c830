//! Workloads that are timed beside PyTorch.
//!
//! Each row of the table is a [`Workload`]: built once with fixed weights and inputs, then run again
//! and again. `peers/peers.py` runs them in turn with the same work in PyTorch; the program `peers`
//! serves one row on standard input and output. What a network calls for its convolutions, norms,
//! activations, attention and recurrence goes through [`blocks`], one line an operation.

pub mod adam;
pub mod blocks;
pub mod check;
pub mod dcgan;
pub mod decode;
pub mod diffusion;
pub mod distributions;
pub mod flow;
pub mod frechet;
pub mod gan;
pub mod gpt;
pub mod growth;
pub mod language;
pub mod layers;
pub mod lstm;
pub mod markov;
pub mod matmul;
pub mod mixture;
pub mod models;
pub mod parts;
pub mod picture_flow;
pub mod resblock;
pub mod rows;
pub mod sampling;
pub mod seq2seq;
pub mod sharded;
pub mod text;
pub mod topics;
pub mod unet;
pub mod vae;
pub mod workload;
pub mod writing;

pub use rows::{Row, rows};
pub use workload::{Plan, Size, Workload};
