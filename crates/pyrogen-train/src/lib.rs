//! Training loops over any objective: exact resume, checkpoints, run folders and reports.
