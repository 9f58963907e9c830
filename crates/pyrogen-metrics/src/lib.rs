//! Metrics for generative models: bits per dimension, Frechet distance, KID, PRDC, MMD, each with a signature.
