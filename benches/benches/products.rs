//! Matrix products, softmax and attention.

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::Tensor;
use criterion::{Criterion, criterion_group, criterion_main};
use pyrogen_bench::blocks;
use pyrogen_bench::workload::{autodiff, noise, plain};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn matmul(c: &mut Criterion) {
    let mut noise = noise("criterion");
    for n in [128, 512, 1024] {
        let [a, b] = [(); 2].map(|()| noise.normal([n, n], &plain()));
        c.bench_function(&format!("matmul/{n}"), |bench| {
            bench.iter(|| black_box(a.clone().matmul(b.clone())));
        });
    }
}

fn softmax(c: &mut Criterion) {
    let x = noise("criterion").normal([72, 256, 256], &plain());
    c.bench_function("softmax/72x256x256", |bench| {
        bench.iter(|| black_box(blocks::softmax(x.clone())));
    });
}

fn attention(c: &mut Criterion) {
    let mut noise = noise("criterion");
    let [q, k, v] = [(); 3].map(|()| noise.normal([2, 6, 256, 64], &plain()));
    c.bench_function("attention/forward", |bench| {
        bench.iter(|| black_box(blocks::attention(q.clone(), k.clone(), v.clone(), true)));
    });
    let leaves = [q, k, v].map(|x| Tensor::from_inner(x).require_grad());
    assert!(leaves[0].device() == autodiff());
    c.bench_function("attention/forward and backward", |bench| {
        bench.iter(|| {
            let [q, k, v] = leaves.clone();
            black_box(blocks::attention(q, k, v, true).sum().backward())
        });
    });
}

criterion_group! {
    name = products;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    targets = matmul, softmax, attention
}
criterion_main!(products);
