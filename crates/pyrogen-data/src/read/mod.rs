//! Readers: one file a format. No size that a file announces is trusted before it is compared
//! with the bytes that are there.

pub(crate) mod arrays;
pub(crate) mod bytes;
pub(crate) mod cifar;
mod decode;
pub(crate) mod documents;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod idx;
pub(crate) mod matrix;
pub(crate) mod matrix_file;
pub(crate) mod midi;
pub(crate) mod mnist;
pub(crate) mod music;
pub(crate) mod npy;
pub(crate) mod npz;
pub(crate) mod pairs;
pub(crate) mod parallel;
pub(crate) mod picture_options;
pub(crate) mod pictures;
pub(crate) mod sequences;
pub(crate) mod sound;
pub(crate) mod text;
