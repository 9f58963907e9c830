//! Reading the cells of some columns again.

use super::*;

impl Text {
    /// Reads the cells of some columns, and forgets those of the others.
    ///
    /// # Errors
    /// A file that has changed, or a column of more than 4 GiB.
    pub fn load(&mut self, columns: &[usize]) -> Result<(), DataError> {
        if columns.iter().all(|&j| self.loaded[j]) {
            return Ok(());
        }
        self.columns.iter_mut().for_each(|column| *column = Strings::default());
        self.loaded.fill(false);
        let (found, full) = match &self.contents {
            Contents::Csv(options, dialect) => self.read_csv(columns, options, *dialect)?,
            Contents::Parquet(file) => self.read_parquet(columns, file)?,
        };
        if let Some(j) = full {
            return Err(self.column_error(j, "holds more than 4 GiB of text"));
        }
        for (strings, &j) in found.into_iter().zip(columns) {
            self.columns[j] = strings;
            self.loaded[j] = true;
        }
        Ok(())
    }

    /// The cells of some columns, and the first of these that is too large.
    fn read_parquet(
        &self,
        columns: &[usize],
        file: &ParquetFile,
    ) -> Result<(Vec<Strings>, Option<usize>), DataError> {
        let read = |&j: &usize| {
            let (mut strings, mut full) = (Strings::with_capacity(self.rows, 0), None);
            file.read(&self.path, j, &mut |cell| {
                if !strings.push(cell) {
                    full = Some(j);
                }
            })?;
            Ok::<_, DataError>((strings, full))
        };
        let read: Vec<(Strings, Option<usize>)> =
            columns.par_iter().map(read).collect::<Result<_, DataError>>()?;
        let (found, full): (Vec<Strings>, Vec<Option<usize>>) = read.into_iter().unzip();
        Ok((found, full.into_iter().flatten().next()))
    }

    /// As [`read_parquet`](Self::read_parquet).
    fn read_csv(
        &self,
        columns: &[usize],
        options: &CsvOptions,
        dialect: Dialect,
    ) -> Result<(Vec<Strings>, Option<usize>), DataError> {
        let room = |&j: &usize| {
            let bytes = self.sizes[j] - self.rows * Strings::END;
            Gathered::kept(Strings::with_capacity(self.rows, bytes))
        };
        let mut found: Vec<Gathered> = columns.iter().map(room).collect();
        let (width, mut skip) = (self.names.len(), usize::from(self.named));
        let changed = || {
            let message = "it has changed since it was first read".to_string();
            DataError::format(&self.path, "CSV", message)
        };
        pieces::each(&self.path, options, Some(dialect), &mut |blocks| {
            let first = skip;
            for rows in blocks {
                if (skip.min(rows.len())..rows.len()).any(|i| rows.width(i) != width) {
                    return Err(changed());
                }
                skip -= skip.min(rows.len());
            }
            gather(&mut found, columns, blocks, first);
            Ok(())
        })?;
        let full = found.iter().position(|column| column.full).map(|k| columns[k]);
        match full.is_none() && found.iter().any(|column| column.strings.len() != self.rows) {
            true => Err(changed()),
            false => Ok((found.into_iter().map(|column| column.strings).collect(), full)),
        }
    }
}
