#![doc = include_str!("../README.md")]

mod dataset;
mod digits;
mod error;
mod order;
mod pictures;
mod prefetch;
mod prepare;
mod prepared;
mod read;
mod source;
mod split;
mod table;
mod toys;

pub use dataset::{ClassCount, ColumnSummary, Dataset, Layout, Summary};
pub use digits::digits;
pub use error::DataError;
pub use order::{BatchOrder, ShuffleMode};
pub use pictures::{auto_scale, grid_png, grid_png_file, picture_folder};
pub use prefetch::Prefetch;
pub use prepare::{
    Binarise, Dequantise, Logit, OneHot, Preparation, Recipe, Scale, Standardise, Step, Transform,
};
pub use prepared::Prepared;
pub use read::matrix::{Matrix, read_matrix};
pub use read::npy::{read_npy, write_npy};
pub use read::pictures::PictureOptions;
pub use source::Source;
pub use split::{Holdout, Split, split_rows};
pub use table::{
    Column, ColumnKind, CsvOptions, CsvWriter, Header, Missing, TableSchema, read_csv, write_csv,
};
pub use toys::Toy;
