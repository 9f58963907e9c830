//! Workloads that are timed beside PyTorch.
