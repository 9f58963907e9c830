//! A table as rows of numbers, and as items.

use super::*;

impl RawRows for Table {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    fn read(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), DataError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (width, start) = (self.cells.len(), out.len());
        out.resize(start + rows.len() * width, 0.0);
        for j in 0..width {
            let mut room = out[start + j..].iter_mut().step_by(width);
            let places = rows.iter().map(|&row| self.place(row));
            self.stored(j, places, |v| *room.next().expect("a place a row") = v);
        }
        Ok(())
    }

    fn column(&self, j: usize) -> Result<Vec<f32>, DataError> {
        let mut out = Vec::with_capacity(self.rows);
        self.stored(j, (0..self.rows).map(|row| self.place(row)), |v| out.push(v));
        Ok(out)
    }
}

impl Items for Table {
    fn len(&self) -> usize {
        self.rows
    }

    fn select(&self, rows: &[usize]) -> Self {
        let aside = |aside: &Aside| Aside {
            name: aside.name.clone(),
            keys: rows.iter().map(|&r| aside.keys[r]).collect(),
        };
        let places = || rows.iter().map(|&row| self.place(row));
        // A small part does not keep the other rows in memory.
        let small = rows.len() * SMALL < self.cells.first().map_or(0, Cells::len);
        let (cells, index) = match small {
            true => {
                let cells = self.cells.iter().map(|cells| cells.select(places()));
                (Arc::new(cells.collect()), None)
            }
            false => (self.cells.clone(), Some(places().map(|place| place as u32).collect())),
        };
        Self {
            layout: self.layout.clone(),
            cells,
            index,
            labels: self.labels.as_ref().map(|l| rows.iter().map(|&r| l[r]).collect()),
            rows: rows.len(),
            aside: self.aside.iter().map(aside).collect(),
            weights: self.weights.as_ref().map(|w| rows.iter().map(|&r| w[r]).collect()),
        }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Err(DataError::part("parts", "one or more", 0));
        };
        // Keys of different parts do not tell the same groups.
        all.aside.clear();
        let mut cells: Vec<Cells> =
            (0..all.cells.len()).map(|j| all.cells(j).into_owned()).collect();
        for part in parts {
            let (labels, weights) = (part.labels.is_some(), part.weights.is_some());
            if part.layout != all.layout
                || labels != all.labels.is_some()
                || weights != all.weights.is_some()
            {
                let expected = format!("tables with the columns {}", all.column_names().join(", "));
                return Err(DataError::part("parts", expected, part.column_names().join(", ")));
            }
            let parts = (0..part.cells.len()).map(|j| part.cells(j).into_owned());
            cells.iter_mut().zip(parts).for_each(|(all, cells)| all.extend(cells));
            if let (Some(all), Some(labels)) = (&mut all.labels, part.labels) {
                all.extend(labels);
            }
            if let (Some(all), Some(weights)) = (&mut all.weights, part.weights) {
                all.extend(weights);
            }
            all.rows += part.rows;
        }
        (all.cells, all.index) = (Arc::new(cells), None);
        Ok(all)
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Table);
        hash.number(self.cells.len() as u64);
        for (j, column) in self.columns().iter().enumerate() {
            hash.text(&column.name);
            hash.text(column.kind.name());
            hash.texts(column.kind.categories().unwrap_or(&[]));
            hash.number(column.blanks.len() as u64);
            match &*self.cells(j) {
                Cells::Numbers(v) => hash.floats(v.iter().copied()),
                Cells::Integers(v) => hash.numbers(v.iter().map(|&v| v as u64)),
                Cells::Categories(v) => hash.numbers(v.iter().map(|&v| u64::from(v))),
            }
        }
        hash.text(self.layout.label.as_ref().map_or("", |label: &LabelColumn| &label.name));
        hash.labels(self.labels());
        hash.texts(self.class_names());
        if let Some(weights) = &self.weights {
            hash.text("weights");
            hash.floats(weights.iter().copied());
        }
        hash.finish()
    }

    fn describe(&self) -> Value {
        let columns = || -> Vec<Value> {
            (0..self.cells.len()).into_par_iter().map(|j| self.describe_column(j)).collect()
        };
        let (columns, hash) = rayon::join(columns, || self.sha256());
        let mut out = json!({ "modality": "table", "examples": self.rows });
        if let Some(labels) = &self.labels {
            out["classes"] = class_counts(labels, self.class_names());
        }
        out["columns"] = columns.into();
        out["sha256"] = hash.into();
        out
    }

    /// `.csv`, and `.npy` of the stored values.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        match path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
            true => {
                let cells = |row: usize| (0..self.cells.len()).map(|j| self.text(row, j)).collect();
                write_cells(path, &self.layout, self.labels(), (0..self.rows).map(cells))
            }
            false => write_rows(path, &self.dataset()),
        }
    }
}
