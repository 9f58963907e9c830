//! [`Source`]: a text that others are compared with.

/// A text of symbols, and where each of them stands in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    text: Vec<u32>,
    /// Places of each symbol: those of symbol `s` are `places[starts[s]..starts[s + 1]]`.
    places: Vec<u32>,
    starts: Vec<u32>,
}

impl Source {
    /// A text of symbols below `symbols`.
    ///
    /// # Panics
    /// If a symbol is out of range.
    pub fn new(text: Vec<u32>, symbols: usize) -> Self {
        let mut starts = vec![0u32; symbols + 1];
        text.iter().for_each(|s| starts[*s as usize + 1] += 1);
        for s in 0..symbols {
            starts[s + 1] += starts[s];
        }
        let mut next = starts.clone();
        let mut places = vec![0; text.len()];
        for (place, symbol) in text.iter().enumerate() {
            places[next[*symbol as usize] as usize] = place as u32;
            next[*symbol as usize] += 1;
        }
        Self { text, places, starts }
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        4 * (self.text.len() + self.places.len() + self.starts.len())
    }

    /// A run of more than `most` symbols of another text that stands in this one, and where it stands
    /// first; of a text that is no longer than `most`, the whole text.
    pub fn copied<'w>(&self, text: &'w [u32], most: usize) -> Option<(&'w [u32], usize)> {
        let length = most.saturating_add(1).min(text.len());
        (length > 0)
            .then(|| text.windows(length))
            .into_iter()
            .flatten()
            .find_map(|run| self.find(run).map(|at| (run, at)))
    }

    /// Where a run of symbols stands first. A symbol that is out of range stands nowhere.
    pub fn find(&self, run: &[u32]) -> Option<usize> {
        let range = |symbol: u32| {
            let (from, to) = (symbol as usize, (symbol as usize).saturating_add(1));
            match (self.starts.get(from), self.starts.get(to)) {
                (Some(from), Some(to)) => *from as usize..*to as usize,
                _ => 0..0,
            }
        };
        let (offset, rarest) =
            run.iter().enumerate().min_by_key(|(_, symbol)| range(**symbol).len())?;
        self.places[range(*rarest)].iter().find_map(|place| {
            let from = (*place as usize).checked_sub(offset)?;
            (self.text.get(from..from + run.len())? == run).then_some(from)
        })
    }
}
