//! An optimiser's step alone, and whole training steps of a VAE.

use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use pyrogen_bench::{Plan, Size, rows};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn steps(c: &mut Criterion) {
    for row in rows().iter().filter(|row| ["adam", "vae", "conv_vae"].contains(&row.name)) {
        let most = if row.trains { 2 } else { 1 };
        for workers in 1..=most {
            let work = (row.build)(Plan { size: Size::Full, workers });
            let work = std::cell::RefCell::new(work);
            c.bench_function(&format!("{}/{workers} workers", row.name), |bench| {
                bench.iter_batched(
                    || work.borrow_mut().prepare(),
                    |()| work.borrow_mut().run(),
                    BatchSize::PerIteration,
                );
            });
        }
    }
}

criterion_group! {
    name = training;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    targets = steps
}
criterion_main!(training);
