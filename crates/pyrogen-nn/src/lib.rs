//! Network blocks that two or more generative families use.
