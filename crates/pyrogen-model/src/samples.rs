//! [`Samples`]: items without end.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use pyrogen_data::Data;

use crate::{Control, Error, Generate, Request};

/// How many items a range has.
///
/// # Errors
/// None.
pub fn count(items: &Range<u64>) -> Result<usize, Error> {
    match usize::try_from(items.end.saturating_sub(items.start)) {
        Ok(0) => Err(Error::Wish("0 items: give at least 1".into())),
        Ok(n) => Ok(n),
        Err(_) => Ok(usize::MAX),
    }
}

/// Items that are drawn at once.
const PART: u64 = 64;

/// Items without end, each as data of one item; dropping the iterator ends the work.
pub struct Samples {
    generate: Arc<dyn Generate>,
    request: Request,
    control: Control,
    next: u64,
    drawn: VecDeque<Data>,
    failed: bool,
}

impl Samples {
    pub(crate) fn new(generate: Arc<dyn Generate>, request: Request, control: Control) -> Self {
        Self { generate, request, control, next: 0, drawn: VecDeque::new(), failed: false }
    }

    /// Begins with item `item`.
    pub fn starting_at(mut self, item: u64) -> Self {
        self.next = item;
        self.drawn.clear();
        self
    }

    fn draw(&mut self) -> Result<(), Error> {
        let items = self.next..self.next.saturating_add(PART);
        self.next = items.end;
        let part = self.generate.generate(items, &self.request, &self.control)?;
        self.drawn.extend((0..part.len()).map(|i| part.select(&[i])));
        Ok(())
    }
}

impl Iterator for Samples {
    type Item = Result<Data, Error>;

    /// The next item. After an error there are no more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if self.drawn.is_empty()
            && let Err(e) = self.draw()
        {
            self.failed = true;
            return Some(Err(e));
        }
        self.drawn.pop_front().map(Ok)
    }
}
