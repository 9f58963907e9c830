//! The command line with three families of one's own beside the built-in ones.
//!
//! ```sh
//! cargo run --release -p pyrogen-examples --example own_families -- families
//! cargo run --release -p pyrogen-examples --example own_families -- \
//!     train chain --data text:book.txt --out runs/chain
//! cargo run --release -p pyrogen-examples --example own_families -- \
//!     sample runs/chain -n 1 --stream
//! ```
//!
//! The families are in `src/families`, a file each: a Markov chain over texts, a Gaussian over rows
//! with missing cells, a hidden Markov model over sequences of different lengths.

use std::process::ExitCode;

fn main() -> ExitCode {
    pyrogen_cli::run(pyrogen_examples::families::registry(), std::env::args_os())
}
