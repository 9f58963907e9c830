//! An optimiser's step alone, whole training steps of VAEs, and training steps and samples of every
//! model of `pyrogen-vae` on 8x8 pictures.

use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use pyrogen_bench::{Plan, Row, Size, models, rows};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn steps(c: &mut Criterion) {
    let chosen = |row: &Row| ["adam", "vae", "conv_vae", "vq_vae"].contains(&row.name);
    for row in rows().into_iter().filter(chosen).chain(models::rows()) {
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
