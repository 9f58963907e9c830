//! Items made ahead by a worker thread.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// Runs an iterator on one worker thread and yields its items in order.
///
/// At most `ahead` items wait (and one more is being made). Dropping it stops the worker after
/// the item in hand and waits for it. A panic of the iterator comes out of
/// [`next`](Iterator::next), after the items before it.
///
/// ```
/// use pyrogen_data::Prefetch;
///
/// let squares: Vec<u64> = Prefetch::new((0..5).map(|i| i * i), 2).collect();
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// ```
#[derive(Debug)]
pub struct Prefetch<T> {
    items: Option<Receiver<T>>,
    worker: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts the worker.
    ///
    /// # Panics
    /// If the system refuses a thread.
    pub fn new(
        items: impl IntoIterator<Item = T, IntoIter: Send> + Send + 'static,
        ahead: usize,
    ) -> Self {
        let (send, receive) = sync_channel(ahead);
        let worker = std::thread::Builder::new()
            .name("pyrogen-prefetch".to_string())
            .spawn(move || {
                for item in items {
                    if send.send(item).is_err() {
                        return;
                    }
                }
            })
            .expect("Prefetch: the system gives no thread");
        Self { items: Some(receive), worker: Some(worker) }
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if let Some(Ok(item)) = self.items.as_ref().map(Receiver::recv) {
            return Some(item);
        }
        self.items = None;
        if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        None
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        // Without a receiver the worker's next send fails, and it ends.
        self.items = None;
        if let Some(worker) = self.worker.take() {
            // A panic that nobody waited for has been printed; a second one must not follow here.
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn all_items_come_in_order_and_then_none() {
        for ahead in [0, 1, 7] {
            let mut items = Prefetch::new(0..100, ahead);
            assert!(items.by_ref().eq(0..100));
            assert_eq!(items.next(), None);
        }
    }

    #[test]
    fn dropping_stops_an_endless_iterator() {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = made.clone();
        let endless = std::iter::repeat_with(move || counter.fetch_add(1, Ordering::SeqCst));
        let mut items = Prefetch::new(endless, 3);
        assert_eq!(items.next(), Some(0));
        drop(items); // returns only once the worker has ended
        let after = made.load(Ordering::SeqCst);
        // One taken, three waiting, one in hand, and one that took the taken one's place.
        assert!(after <= 6, "{after}");
        assert_eq!(Arc::strong_count(&made), 1);
    }

    #[test]
    fn a_panic_comes_out_after_the_items_before_it() {
        let items = (0..5).map(|i| if i == 3 { panic!("row {i} is bad") } else { i });
        let mut items = Prefetch::new(items, 1);
        assert_eq!(items.by_ref().take(3).collect::<Vec<_>>(), [0, 1, 2]);
        let panic = catch_unwind(AssertUnwindSafe(|| items.next())).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "row 3 is bad");
        assert_eq!(items.next(), None);
    }
}
