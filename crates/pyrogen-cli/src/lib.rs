//! The pyrogen command: train, sample, score and evaluate generative models.
