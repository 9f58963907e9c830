//! Readers, transforms, deterministic splits and batches, and the embedded digits.
