//! What capabilities of models on the host share.

use std::ops::Range;

use pyrogen_core::RequestError;
use rayon::prelude::*;

use crate::{Control, Error, Request, count};

/// Items that are worked on between two looks at the control.
const PART: u64 = 1024;

/// Refuses a class or contexts, for models without conditions. The conditions of other items
/// (`like`) are no reason: there is nothing of them to take.
///
/// # Errors
/// A request with a class or contexts.
pub fn unconditional(request: &Request) -> Result<(), Error> {
    match (&request.class, &request.context) {
        (Some(_), _) => Err(RequestError::Unconditional.into()),
        (None, Some(_)) => Err(RequestError::NoContext.into()),
        (None, None) => Ok(()),
    }
}

/// A result of each item, on all cores: the same for any number of threads, in the order of the
/// items. The first error in that order is given.
///
/// # Errors
/// No items, what `one` gives, or a control that was cancelled.
pub fn each<T: Send>(
    items: Range<u64>,
    what: &'static str,
    control: &Control,
    one: impl Fn(u64) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    count(&items)?;
    by_parts(items, what, control, PART, |part| part.into_par_iter().map(&one).collect())
}

/// Results of items, some at a time, in the order of the items; between two parts the control is
/// looked at.
///
/// # Errors
/// What `some` gives, or a control that was cancelled.
pub fn by_parts<T: Send>(
    items: Range<u64>,
    what: &'static str,
    control: &Control,
    part: u64,
    some: impl Fn(Range<u64>) -> Vec<Result<T, Error>>,
) -> Result<Vec<T>, Error> {
    let n = items.end.saturating_sub(items.start);
    let meter = control.meter(what, n);
    let mut all = Vec::new();
    let mut start = items.start;
    while start < items.end {
        control.check()?;
        let own = start..items.end.min(start.saturating_add(part));
        let done = own.end - own.start;
        start = own.end;
        for result in some(own) {
            all.push(result?);
        }
        meter.add(done);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_the_first_error_wins() {
        let control = Control::new();
        let double = |i: u64| Ok(2 * i);
        assert_eq!(each(3..6, "made", &control, double).unwrap(), [6, 8, 10]);
        let long = each(0..5000, "made", &control, double).unwrap();
        assert!(long.iter().enumerate().all(|(i, v)| *v == 2 * i as u64));
        let odd = |i: u64| match i % 2 {
            0 => Ok(i),
            _ => Err(Error::Wish(format!("{i} is odd"))),
        };
        assert_eq!(each(0..9, "made", &control, odd).unwrap_err().to_string(), "1 is odd");
        assert!(each(4..4, "made", &control, double).is_err());
        control.cancel();
        assert!(matches!(each(0..9, "made", &control, double), Err(Error::Cancelled)));
        assert!(unconditional(&Request::seed(1).class("a")).is_err());
    }
}
