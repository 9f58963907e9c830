#![doc = include_str!("../README.md")]

mod augment;
mod context;
mod data;
mod dataset;
mod digits;
mod enlarge;
mod error;
mod order;
mod partition;
mod picture_context;
mod pictures;
mod prefetch;
mod prepare;
mod prepared;
mod raw_rows;
mod read;
mod source;
mod split;
mod table;
mod toys;

pub use augment::{Augment, Fill, Flip};
pub use context::WithContext;
pub use data::{
    Cells, Data, Documents, Edge, Graph, Items, Modality, Pairs, Pictures, Pixels, Points, Rating,
    Ratings, Sequences, Sound, Table, Text,
};
pub use dataset::{ClassCount, ColumnSummary, Dataset, LabelColumn, Layout, Summary};
pub use digits::digits;
pub use enlarge::Enlarge;
pub use error::DataError;
pub use order::{BatchOrder, ShuffleMode};
pub use partition::{By, Partition, PartitionSpec};
pub use picture_context::PictureContext;
pub use pictures::{auto_scale, grid_png, grid_png_file, picture_folder};
pub use prefetch::Prefetch;
pub use prepare::{
    Binarise, Blocks, Bounds, Circle, ConditionColumns, Dequantise, DistributionFunction, Grid,
    LevelQuantiles, Logit, MissingNumbers, MixedDistribution, OneHot, Periodic, Preparation,
    PreparedColumn, PreparedFeature, Quantiles, Recipe, RestDistribution, Scale,
    SpikedDistribution, SpreadColumns, SpreadMissing, Standardise, Step, Tail, Transform,
};
pub use prepared::Prepared;
pub use raw_rows::RawRows;
pub use read::matrix::Matrix;
pub use read::matrix_file::read_matrix;
pub use read::npy::{read_npy, write_npy};
pub use read::picture_options::PictureOptions;
pub use source::{Loaded, Origins, Reader, Source, SourceText};
pub use split::{Holdout, Split, split_rows};
pub use table::{
    Column, ColumnKind, CsvOptions, CsvWriter, DayFormat, DayOrder, Header, Missing, MomentFormat,
    NumberFormat, TableSchema, TimeFormat, read_csv, read_parquet, read_table, write_csv,
};
pub use toys::Toy;
