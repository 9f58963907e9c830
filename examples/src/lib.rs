//! Examples of Pyrogen; see the files in `examples/`.
