//! Work on all cores: threads that each work through their own share.
//!
//! Kernels split large tensors over threads by themselves; small ones they work through on one
//! thread, and between two kernels all other threads wait. Work that falls into independent pieces
//! (batches of samples, shards of a training batch) is better split as a whole: one piece a
//! thread, with no waiting in between. [`batches`] does so for anything that is computed row by
//! row, [`sample`] and [`log_likelihood`] for the capabilities of a model, and
//! [`Workers`] is what they are made of.
//!
//! Results do not depend on the number of threads: pieces are cut by size and not by threads,
//! noise belongs to items ([`Noise::items`](crate::Noise::items)) or rows
//! ([`Noise::rows`](crate::Noise::rows)), and results keep their order.
//!
//! A GPU's backend may hold operations back, make kernels of those that have come together and round
//! as these kernels do. [`batches`] hands over what a run has left with it, so that results do not
//! depend on what is computed before or after them.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::ConfigError;

mod rows;

pub use rows::{log_likelihood, sample};

/// Whether the CPU computes what is on a device.
pub fn on_cpu(device: &Device) -> bool {
    // Burn has no question for what a device is; its name is the first word it shows.
    let name = format!("{:?}", device.clone().inner());
    ["Flex", "NdArray"].iter().any(|cpu| name.starts_with(&format!("Device<{cpu}")))
}

/// How many threads may work at once on a device: all cores where the CPU computes (as rayon
/// counts them, so that `RAYON_NUM_THREADS` limits it), 1 elsewhere, since a GPU splits every
/// kernel by itself.
pub fn threads(device: &Device) -> usize {
    if on_cpu(device) { rayon::current_num_threads() } else { 1 }
}

/// Runs `f` on a thread of the pool that kernels share, where the CPU computes; elsewhere on the calling
/// thread.
///
/// A kernel that any other thread calls hands its parts to the pool and sleeps until they are done. That
/// costs some microseconds, as many as a small kernel takes: one text by a small language model is written in 0.35
/// to 0.7 of the time on the pool. Take it around work of many small kernels; within the pool it costs
/// nothing. A thread of the pool that waits for parts of a kernel works on other parts meanwhile, so `f` holds no
/// lock while it calls kernels.
///
/// ```
/// use burn::tensor::Device;
/// use pyrogen_core::parallel::on_pool;
///
/// assert_eq!(on_pool(&Device::flex(), || 1 + 1), 2);
/// ```
pub fn on_pool<R: Send>(device: &Device, f: impl FnOnce() -> R + Send) -> R {
    if on_cpu(device) { rayon::scope(|_| f()) } else { f() }
}

/// Threads that work side by side, each with its share of the cores.
///
/// Every worker is a rayon pool of `cores / workers` threads (at least one), and what it runs finds
/// that pool where it would find the global one. So workers do not wait for each other's kernels,
/// and as many threads run as there are cores. The threads stay for the next call.
///
/// ```
/// use pyrogen_core::parallel::Workers;
///
/// let workers = Workers::new(2)?;
/// assert_eq!(workers.each(vec![1, 2], |x| x * 10), [10, 20]);
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Workers {
    /// None for one worker, which is the calling thread.
    pools: Vec<ThreadPool>,
}

impl Workers {
    /// As many workers; one is the calling thread itself and costs nothing.
    ///
    /// # Errors
    /// No workers, or more than the system gives threads for.
    pub fn new(workers: usize) -> Result<Self, ConfigError> {
        if workers == 0 {
            return Err(ConfigError::value("workers", "at least 1", workers));
        }
        if workers == 1 {
            return Ok(Self { pools: Vec::new() });
        }
        let each = (rayon::current_num_threads() / workers).max(1);
        let pool = |i| {
            let name = move |_| format!("worker-{i}");
            ThreadPoolBuilder::new().num_threads(each).thread_name(name).build()
        };
        let pools = (0..workers).map(pool).collect::<Result<_, _>>().map_err(|e| {
            let expected = format!("a number of threads that the system gives ({e})");
            ConfigError::value("workers", expected, workers)
        })?;
        Ok(Self { pools })
    }

    /// Number of workers.
    pub fn count(&self) -> usize {
        self.pools.len().max(1)
    }

    /// `f` of each input, one input a worker, all at once; results in the order of the inputs.
    ///
    /// # Panics
    /// If there are more inputs than workers, or where `f` panics.
    pub fn each<T: Send, R: Send>(&self, inputs: Vec<T>, f: impl Fn(T) -> R + Sync) -> Vec<R> {
        assert!(
            inputs.len() <= self.count(),
            "Workers::each: {} inputs for {} workers",
            inputs.len(),
            self.count()
        );
        if self.pools.is_empty() {
            return inputs.into_iter().map(f).collect();
        }
        let mut slots: Vec<_> = inputs.into_iter().map(|input| (Some(input), None)).collect();
        spread(&self.pools, &mut slots, &f);
        slots.into_iter().map(|(_, result)| result.expect("every worker has run")).collect()
    }
}

/// Starts each slot on its pool and waits for all of them.
fn spread<T: Send, R: Send>(
    pools: &[ThreadPool],
    slots: &mut [(Option<T>, Option<R>)],
    f: &(impl Fn(T) -> R + Sync),
) {
    let (Some((pool, pools)), Some((slot, slots))) = (pools.split_first(), slots.split_first_mut())
    else {
        return;
    };
    pool.in_place_scope(|scope| {
        scope.spawn(|_| slot.1 = slot.0.take().map(f));
        spread(pools, slots, f);
    });
}

/// `f` of every run of at most `size` rows of `0..n`, on all cores; results in order.
///
/// At most one run a core is worked on at a time, so memory stays bounded. What `f` computes from
/// its rows must depend on them alone; then the results do not depend on the number of threads.
///
/// # Panics
/// If `size` is 0, where `f` panics, or if the device fails.
///
/// ```
/// use burn::tensor::Device;
/// use pyrogen_core::parallel::batches;
///
/// let sums = batches(5, 2, &Device::flex(), |rows| rows.sum::<usize>());
/// assert_eq!(sums, [0 + 1, 2 + 3, 4]);
/// ```
pub fn batches<R: Send>(
    n: usize,
    size: usize,
    device: &Device,
    f: impl Fn(Range<usize>) -> R + Sync,
) -> Vec<R> {
    assert!(size > 0, "parallel::batches: runs of no rows");
    let count = n.div_ceil(size);
    let hand_over = || device.flush().expect("parallel::batches: the device failed");
    hand_over();
    let run = |i: usize| {
        let result = f(i * size..((i + 1) * size).min(n));
        hand_over();
        result
    };
    let workers = threads(device).min(count);
    let cores = rayon::current_num_threads();
    let idle = Idle::lock().take(cores, workers);
    // Where the system gives no threads, the calling one does the work.
    let workers = match idle {
        None if workers > 1 => Workers::new(workers).ok(),
        idle => idle,
    };
    let Some(workers) = workers else {
        return on_pool(device, || (0..count).map(run).collect());
    };
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, R)> = workers
        .each(vec![(); workers.count()], |()| {
            let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|i| *i < count);
            std::iter::from_fn(take).map(|i| (i, run(i))).collect::<Vec<_>>()
        })
        .into_iter()
        .flatten()
        .collect();
    let ended = Idle::lock().keep(cores, workers);
    drop(ended);
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Workers between two calls of [`batches`], with the cores that they share: new threads would find
/// no memory that is theirs, and leave theirs to the allocator.
static IDLE: Mutex<Idle> = Mutex::new(Idle(Vec::new()));

struct Idle(Vec<(usize, Workers)>);

impl Idle {
    /// Workers kept at most.
    const MOST: usize = 2;

    fn lock() -> MutexGuard<'static, Self> {
        IDLE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&mut self, cores: usize, count: usize) -> Option<Workers> {
        let fits = |(its, workers): &(usize, Workers)| *its == cores && workers.count() == count;
        let place = self.0.iter().position(fits)?;
        Some(self.0.remove(place).1)
    }

    /// Keeps workers; those that are too many, the longest idle, are to be ended.
    fn keep(&mut self, cores: usize, workers: Workers) -> Option<Workers> {
        self.0.push((cores, workers));
        (self.0.len() > Self::MOST).then(|| self.0.remove(0).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_all_rows_in_order() {
        let device = pyrogen_testkit::device();
        for (n, size) in [(0, 4), (3, 4), (4, 4), (101, 4)] {
            let runs = batches(n, size, &device, |rows| rows);
            assert!(runs.iter().all(|r| r.len() <= size));
            let all: Vec<usize> = runs.into_iter().flatten().collect();
            assert_eq!(all, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn workers_run_at_once_with_their_share_of_the_cores() {
        let workers = Workers::new(3).unwrap();
        // Each waits for all: this returns only if all three run.
        let barrier = std::sync::Barrier::new(3);
        let threads = workers.each(vec![0, 1, 2], |i| {
            barrier.wait();
            (i, rayon::current_num_threads())
        });
        let share = (rayon::current_num_threads() / 3).max(1);
        assert_eq!(threads, [(0, share), (1, share), (2, share)]);
        assert_eq!(workers.each(vec![7], |i| i), [7]);
        assert_eq!(workers.count(), 3);
    }

    #[test]
    fn one_worker_is_the_calling_thread() {
        let workers = Workers::new(1).unwrap();
        let here = std::thread::current().id();
        assert_eq!(workers.each(vec![()], |()| std::thread::current().id()), [here]);
        assert!(Workers::new(0).unwrap_err().to_string().contains("at least 1"));
    }

    #[test]
    fn the_pool_is_used_where_the_cpu_computes() {
        let device = pyrogen_testkit::device();
        let index = || rayon::current_thread_index();
        assert_eq!(on_pool(&device, index).is_some(), on_cpu(&device));
        // A thread of the pool goes on by itself.
        let nested = || (index(), on_pool(&device, index));
        let (outer, inner) = on_pool(&device, nested);
        assert_eq!(outer, inner);
    }

    #[test]
    fn idle_workers_are_taken_again() {
        let thread = |workers: &Workers| workers.each(vec![()], |()| std::thread::current().id());
        let mut idle = Idle(Vec::new());
        let workers = Workers::new(2).unwrap();
        let first = thread(&workers);
        assert!(idle.keep(2, workers).is_none());
        assert!(idle.take(3, 2).is_none() && idle.take(2, 3).is_none());
        let again = idle.take(2, 2).expect("as many, for as many cores");
        assert_eq!(thread(&again), first);
        assert!(idle.take(2, 2).is_none());
        assert!(idle.keep(2, again).is_none());
        assert!(idle.keep(3, Workers::new(3).unwrap()).is_none());
        let ended = idle.keep(4, Workers::new(4).unwrap()).expect("one too many");
        assert_eq!((ended.count(), idle.0.len()), (2, Idle::MOST));
    }

    #[test]
    #[should_panic(expected = "on purpose")]
    fn a_panic_comes_through() {
        batches(4, 1, &pyrogen_testkit::device(), |rows| assert!(rows.start != 2, "on purpose"));
    }

    #[test]
    fn every_core_of_a_cpu_is_counted() {
        let device = pyrogen_testkit::device();
        let expected = match std::env::var("PYROGEN_TEST_DEVICE").as_deref() {
            Err(_) | Ok("flex") => rayon::current_num_threads(),
            _ => 1,
        };
        assert_eq!(threads(&device), expected);
        assert_eq!(threads(&device.autodiff()), expected);
    }
}
