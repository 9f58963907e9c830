//! The texts of a column, and the lines of rows.

/// The texts of a column.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: String,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Strings {
    /// Bytes of a cell beside its text.
    pub const END: usize = size_of::<u32>();

    /// Room for so many cells of so many bytes.
    pub fn with_capacity(cells: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(cells) }
    }

    /// The same without room for more.
    pub fn fitted(mut self) -> Self {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        self
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        &self.text[start..self.ends[row] as usize]
    }

    /// Another cell; false where there is no room.
    pub fn push(&mut self, cell: &str) -> bool {
        self.text.push_str(cell);
        let end = u32::try_from(self.text.len());
        self.ends.extend(end);
        end.is_ok()
    }
}

/// The line where each row begins.
#[derive(Debug, Default)]
pub(super) struct Lines {
    first: u64,
    count: u64,
    /// All of them, where they do not follow each other.
    all: Vec<u64>,
}

impl Lines {
    /// So many rows, a line each.
    pub fn counted(rows: usize) -> Self {
        Self { first: 1, count: rows as u64, all: Vec::new() }
    }

    pub fn push(&mut self, line: u64) {
        if self.count == 0 {
            self.first = line;
        }
        if self.all.is_empty() && line != self.first + self.count {
            self.all = (self.first..self.first + self.count).collect();
        }
        if !self.all.is_empty() {
            self.all.push(line);
        }
        self.count += 1;
    }

    pub fn get(&self, row: usize) -> u64 {
        self.all.get(row).copied().unwrap_or(self.first + row as u64)
    }
}
