//! The columns of data as those of a mixture.

use pyrogen_data::{Column, Data, Dataset, Layout, Modality, Table as DataTable};
use pyrogen_model::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::{MISSING, MixtureError, Table};

/// The columns of a table, or the numbers of a point: which are numbers and which are categories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    layout: Layout,
}

impl Columns {
    /// The columns of data.
    ///
    /// # Errors
    /// Data that is neither a table nor points, or a column of texts without one text.
    pub fn of(data: &Data) -> Result<Self, Error> {
        let layout = match data {
            Data::Table(table) => table.layout().clone(),
            Data::Points(points) => points.dataset().layout().clone(),
            other => return Err(Self::modality_error(other.modality())),
        };
        // Samples are real numbers without labels.
        let layout = Layout { class_names: Vec::new(), label: None, levels: None, ..layout };
        let columns = Self { layout };
        for (column, about) in columns.table_columns().iter().enumerate() {
            if about.kind.categories().is_some() && about.known_categories() == 0 {
                let message =
                    format!("column `{}` has no observed cell: leave it out", columns.name(column));
                return Err(Error::other(ErrorKind::Data, message));
            }
        }
        Ok(columns)
    }

    fn modality_error(got: Modality) -> Error {
        Error::Modality { family: super::FAMILY.into(), got, takes: "table, points".into() }
    }

    /// What raw values mean.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What the items are.
    pub fn modality(&self) -> Modality {
        if self.layout.schema.is_some() { Modality::Table } else { Modality::Points }
    }

    fn table_columns(&self) -> &[Column] {
        self.layout.schema.as_ref().map_or(&[], |schema| &schema.columns)
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.layout.width()
    }

    /// The name of a column.
    pub fn name(&self, column: usize) -> String {
        match self.table_columns().get(column) {
            Some(column) => column.name.clone(),
            None => format!("x{column}"),
        }
    }

    /// The categories of a column; none for numbers.
    pub fn categories(&self, column: usize) -> Option<&[String]> {
        let column = self.table_columns().get(column)?;
        column.kind.categories().map(|all| &all[..column.known_categories()])
    }

    /// The columns that are numbers.
    pub fn numbers(&self) -> Vec<usize> {
        (0..self.width()).filter(|j| self.categories(*j).is_none()).collect()
    }

    /// The columns that are categories.
    pub fn texts(&self) -> Vec<usize> {
        (0..self.width()).filter(|j| self.categories(*j).is_some()).collect()
    }

    /// Levels of the columns that are categories.
    pub fn levels(&self) -> Vec<u32> {
        let levels = |j: usize| self.categories(j).map_or(0, |all| all.len() as u32);
        self.texts().into_iter().map(levels).collect()
    }

    /// A number of a column as people have it.
    pub fn raw(&self, column: usize, value: f64) -> f64 {
        match self.table_columns().get(column) {
            Some(column) => column.offset + column.unit * value,
            None => value,
        }
    }

    /// A distance within a column as people have it.
    pub fn raw_distance(&self, column: usize, distance: f64) -> f64 {
        self.table_columns().get(column).map_or(distance, |column| column.unit * distance)
    }

    /// Rows of all columns, NaN where a cell is missing. Where `absent` is true, a column that a table
    /// does not have is missing in every row.
    ///
    /// # Errors
    /// Data of other columns.
    pub fn cells(&self, data: &Data, absent: bool) -> Result<Vec<f64>, Error> {
        match data {
            Data::Table(table) if self.modality() == Modality::Table => {
                Ok(table.numbers_as(self.table_columns(), absent)?)
            }
            Data::Points(points) if self.modality() == Modality::Points => {
                let rows = points.dataset();
                if rows.event_shape() != self.layout.event {
                    let (expected, got) = (self.layout.event.clone(), rows.event_shape().to_vec());
                    return Err(pyrogen_core::RequestError::EventShape { expected, got }.into());
                }
                Ok(rows.values().iter().map(|v| f64::from(*v)).collect())
            }
            other => Err(Error::Modality {
                family: super::FAMILY.into(),
                got: other.modality(),
                takes: format!("here {}", self.modality()),
            }),
        }
    }

    /// Rows of all columns as a mixture's table.
    ///
    /// # Errors
    /// No rows, or a number that is infinite.
    pub fn table(&self, cells: &[f64]) -> Result<Table, Error> {
        let (numbers, texts) = (self.numbers(), self.texts());
        let rows = || cells.chunks_exact(self.width().max(1));
        let code = |v: f64| if v.is_nan() { MISSING } else { v as u32 };
        let codes = || rows().flat_map(|row| texts.iter().map(move |j| code(row[*j]))).collect();
        let table = match numbers.len() {
            0 => Table::categorical(codes(), self.levels()),
            d => {
                let values = rows().flat_map(|row| numbers.iter().map(move |j| row[*j])).collect();
                Table::numeric(values, d).and_then(|t| t.with_categories(codes(), self.levels()))
            }
        };
        table.map_err(|e| self.error(e))
    }

    /// The rows of a mixture's table as rows of all columns.
    pub fn of_table(&self, table: &Table) -> Vec<f64> {
        let (numbers, texts) = (self.numbers(), self.texts());
        let mut cells = vec![f64::NAN; table.rows() * self.width()];
        for (row, out) in cells.chunks_exact_mut(self.width()).enumerate() {
            numbers.iter().zip(table.numbers(row)).for_each(|(j, v)| out[*j] = *v);
            for (j, code) in texts.iter().zip(table.codes(row)) {
                out[*j] = if *code == MISSING { f64::NAN } else { f64::from(*code) };
            }
        }
        cells
    }

    /// Rows of all columns as items in raw units.
    ///
    /// # Errors
    /// Values that are not of these columns.
    pub fn data(&self, cells: &[f64]) -> Result<Data, Error> {
        if self.modality() == Modality::Table {
            return Ok(Data::Table(DataTable::of_numbers(&self.layout, cells)?));
        }
        let values = cells.iter().map(|v| *v as f32).collect();
        Ok(Data::from_dataset(Dataset::from_rows(values, None, self.layout.clone())?))
    }

    /// An error of the mixture with the columns' names.
    pub fn error(&self, error: MixtureError) -> Error {
        let number =
            |column: usize| self.name(self.numbers().get(column).copied().unwrap_or(column));
        let message = match &error {
            MixtureError::Config(e) => return e.clone().into(),
            MixtureError::EmptyColumn { kind, column } => {
                let of = if *kind == "numeric" { self.numbers() } else { self.texts() };
                let name = self.name(of.get(*column).copied().unwrap_or(*column));
                format!("column `{name}` has no observed cell: leave it out")
            }
            MixtureError::ConstantColumn { column, value } => format!(
                "column `{}` is constant ({}): its variance is zero. Leave it out, or add to the \
                 variances: --set 'regularisation={{\"diagonal\":{{\"value\":1e-6}}}}'",
                number(*column),
                self.raw(self.numbers()[*column], *value)
            ),
            MixtureError::CollinearColumn { column } => format!(
                "column `{}` is a linear combination of earlier columns, so that covariances are \
                 singular: leave it out, choose another regularisation, or covariance=diagonal",
                number(*column)
            ),
            MixtureError::Infinite { row, column, value } => {
                format!("row {row}, column `{}`: the value is {value}", number(*column))
            }
            other => other.to_string(),
        };
        let kind = match error {
            MixtureError::NotFinite { .. }
            | MixtureError::Collapsed { .. }
            | MixtureError::NotPositiveDefinite { .. }
            | MixtureError::AllFailed { .. } => ErrorKind::Numerics,
            _ => ErrorKind::Data,
        };
        Error::other(kind, message)
    }
}
