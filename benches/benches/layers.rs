//! Convolutions, normalisation and activations, forward and backward.

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::Tensor;
use criterion::{Criterion, criterion_group, criterion_main};
use pyrogen_bench::workload::{autodiff, noise, plain};
use pyrogen_bench::{blocks, layers};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The feature maps of the residual block.
const MAPS: [usize; 4] = [16, 64, 32, 32];

/// Times a function forward, and forward and backward to its input and its parameters.
fn both(c: &mut Criterion, name: &str, shape: [usize; 4], f: impl Fn(Tensor<4>) -> Tensor<4>) {
    let x = noise("criterion").normal(shape, &plain());
    c.bench_function(&format!("{name}/forward"), |bench| {
        bench.iter(|| black_box(f(x.clone())));
    });
    let x = Tensor::from_inner(x).require_grad();
    c.bench_function(&format!("{name}/forward and backward"), |bench| {
        bench.iter(|| black_box(f(x.clone()).sum().backward()));
    });
}

/// As [`both`], for a layer: one copy without a graph and one with.
macro_rules! layer {
    ($c:expr, $name:expr, $shape:expr, $make:expr, $apply:path) => {{
        let (plain, tracked) = ($make(&plain()), $make(&autodiff()));
        both($c, $name, $shape, |x| {
            $apply(if x.device().is_autodiff() { &tracked } else { &plain }, x)
        });
    }};
}

fn convolutions(c: &mut Criterion) {
    let noise = noise("criterion");
    layer!(
        c,
        "conv2d 3x3",
        MAPS,
        |device: &_| layers::conv([64, 64], [3, 1, 1], &mut noise.fork("w"), device),
        blocks::conv2d
    );
    layer!(
        c,
        "conv_transpose2d 4x4 stride 2",
        [64, 128, 7, 7],
        |device: &_| layers::conv_transpose([128, 64], [4, 2, 1], &mut noise.fork("w"), device),
        blocks::conv_transpose2d
    );
}

fn norms(c: &mut Criterion) {
    layer!(
        c,
        "group norm",
        MAPS,
        |device: &_| layers::group_norm(8, 64, device),
        blocks::group_norm
    );
}

fn activations(c: &mut Criterion) {
    both(c, "silu", MAPS, blocks::silu);
    both(c, "gelu", MAPS, blocks::gelu);
}

criterion_group! {
    name = pieces;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    targets = convolutions, norms, activations
}
criterion_main!(pieces);
