//! Every operation equals the same composed of Burn's own, in value and in every gradient.

use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{Tensor, TensorData, activation, module};
use pyrogen_core::{Noise, Seed};
use pyrogen_ops as ops;
use pyrogen_testkit::{device, host};

/// Single precision; sums of up to a few thousand terms are in another order.
const TOLERANCE: f64 = 2e-5;

struct Source(Noise);

impl Source {
    fn new() -> Self {
        Self(Noise::new(Seed(7)).fork("ops"))
    }

    fn leaf<const D: usize>(&mut self, dims: [usize; D]) -> Tensor<D> {
        let device = device().autodiff();
        let x: Tensor<D> = self.0.normal(dims, &device);
        x.require_grad()
    }
}

/// The largest difference, relative to the largest value or one.
fn difference<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let (a, b) = (host(a.clone()), host(b.clone()));
    assert!(a.iter().chain(&b).all(|v| v.is_finite()));
    let most = b.iter().fold(1f64, |m, v| m.max(v.abs()));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs() / most).fold(0.0, f64::max)
}

/// Compares two results and their gradients for inputs of up to four axes.
macro_rules! assert_equal {
    ($name:expr, $ours:expr, $theirs:expr, $($leaf:expr),+) => {{
        let (ours, theirs) = ($ours, $theirs);
        let name = $name;
        let d = difference(&ours, &theirs);
        assert!(d < TOLERANCE, "{name}: value differs by {d}");
        // A weight for each element, so that no gradient is a plain sum.
        let weight = {
            let n = ours.shape().num_elements();
            let values: Vec<f32> = (0..n).map(|i| ((i * 7 + 3) % 11) as f32 / 11.0 - 0.4).collect();
            Tensor::from_data(TensorData::new(values, ours.shape()), &ours.device())
        };
        let grads = [(ours * weight.clone()).sum().backward(), (theirs * weight).sum().backward()];
        $({
            let [a, b] = grads.each_ref().map(|g| $leaf.grad(g).expect(stringify!($leaf)));
            let d = difference(&a, &b);
            assert!(d < TOLERANCE, "{name}: gradient of {} differs by {d}", stringify!($leaf));
        })+
    }};
}

#[test]
fn elementwise_functions() {
    let mut source = Source::new();
    // More than one piece, and a length that no vector divides.
    for dims in [[3, 5], [173, 211]] {
        let x = source.leaf(dims) * 3.0;
        let x = x.detach().require_grad();
        let x = &x;
        assert_equal!("silu", ops::silu(x.clone()), activation::silu(x.clone()), x);
        // Burn's own has the derivative of another function on some devices.
        let twice = (x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0;
        assert_equal!("gelu", ops::gelu(x.clone()), x.clone() * twice * 0.5, x);
        assert_equal!("sigmoid", ops::sigmoid(x.clone()), activation::sigmoid(x.clone()), x);
        assert_equal!("tanh", ops::tanh(x.clone()), activation::tanh(x.clone()), x);
        assert_equal!(
            "softplus",
            ops::softplus(x.clone()),
            activation::softplus(x.clone(), 1.0),
            x
        );
        assert_equal!("exp", ops::exp(x.clone()), x.clone().exp(), x);
        assert_equal!(
            "leaky_relu",
            ops::leaky_relu(x.clone(), 0.2),
            activation::leaky_relu(x.clone(), 0.2),
            x
        );
    }
}

#[test]
fn softmaxes() {
    let mut source = Source::new();
    for dims in [[2, 3, 5], [7, 31, 130]] {
        let x = &(source.leaf(dims) * 4.0 + 30.0).detach().require_grad();
        assert_equal!("softmax", ops::softmax(x.clone()), activation::softmax(x.clone(), 2), x);
        let theirs = activation::log_softmax(x.clone(), 2);
        assert_equal!("log_softmax", ops::log_softmax(x.clone()), theirs, x);
    }
}

#[test]
fn linear_layers() {
    let mut source = Source::new();
    for (rows, d_in, d_out) in [(3, 4, 5), (301, 33, 70), (607, 30, 20), (64, 8, 1)] {
        let x = &source.leaf([2, rows, d_in]);
        let (w, b) = (&source.leaf([d_in, d_out]), &source.leaf([d_out]));
        let product = || x.clone().matmul(w.clone().unsqueeze());
        let ours = ops::linear(x.clone(), w.clone(), Some(b.clone()));
        assert_equal!("linear", ours, product() + b.clone().unsqueeze(), x, w, b);
        let ours = ops::linear(x.clone(), w.clone(), None);
        assert_equal!("linear without bias", ours, product(), x, w);
    }
}

/// The same layout seen through a transpose: not dense.
#[test]
fn strided_inputs_are_read_in_their_order() {
    let mut source = Source::new();
    let x = &source.leaf([31, 7]);
    assert_equal!(
        "silu",
        ops::silu(x.clone().transpose()),
        activation::silu(x.clone().transpose()),
        x
    );
    let part = |x: &Tensor<2>| x.clone().slice([3..20, 2..5]);
    assert_equal!("slice", ops::tanh(part(x)), part(x).tanh(), x);
}

fn group_norm(x: Tensor<4>, groups: usize, gamma: Tensor<1>, beta: Tensor<1>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let x = x.reshape([n * groups, c / groups * h * w]);
    let mean = x.clone().mean_dim(1);
    let var = (x.clone() - mean.clone()).powi_scalar(2).mean_dim(1);
    let x = ((x - mean) / (var + 1e-5).sqrt()).reshape([n, c, h, w]);
    x * gamma.reshape([1, c, 1, 1]) + beta.reshape([1, c, 1, 1])
}

#[test]
fn group_normalisation() {
    let mut source = Source::new();
    for (dims, groups) in [([2, 6, 5, 3], 3), ([3, 8, 16, 16], 1), ([1, 4, 1, 1], 2)] {
        let x = &(source.leaf(dims) * 2.0 + 5.0).detach().require_grad();
        let (gamma, beta) = (&source.leaf([dims[1]]), &source.leaf([dims[1]]));
        let theirs = || group_norm(x.clone(), groups, gamma.clone(), beta.clone());
        let ours = ops::group_norm(x.clone(), groups, gamma.clone(), beta.clone(), 1e-5);
        assert_equal!("group_norm", ours, theirs(), x, gamma, beta);
        let ours = ops::group_norm_silu(x.clone(), groups, gamma.clone(), beta.clone(), 1e-5);
        assert_equal!("group_norm_silu", ours, activation::silu(theirs()), x, gamma, beta);
    }
}

#[test]
fn batch_normalisation() {
    let mut source = Source::new();
    for (dims, slope) in [([3, 4, 5, 3], 0.2), ([5, 2, 16, 16], 1.0), ([7, 3, 1, 1], 0.0)] {
        let [n, c, ..] = dims;
        let x = &(source.leaf(dims) * 2.0 + 5.0).detach().require_grad();
        for rows in [1, n] {
            let (gamma, beta) = (&source.leaf([rows, c]), &source.leaf([rows, c]));
            let over = |x: Tensor<4>| x.mean_dim(0).mean_dim(2).mean_dim(3);
            let centred = x.clone() - over(x.clone());
            let var = over(centred.clone().square());
            let each = |p: &Tensor<2>| p.clone().reshape([rows, c, 1, 1]);
            let theirs = centred / (var.clone() + 1e-5).sqrt() * each(gamma) + each(beta);
            let theirs = activation::leaky_relu(theirs, slope);
            let ours = ops::batch_norm(x.clone(), gamma.clone(), beta.clone(), 1e-5, slope);
            let mean = over(x.clone()).detach().reshape([c]);
            assert!(difference(&ours.mean, &mean) < TOLERANCE);
            assert!(difference(&ours.variance, &var.detach().reshape([c])) < TOLERANCE);
            assert_equal!("batch_norm", ours.output, theirs, x, gamma, beta);
            let [mean, var] = [ours.mean + 0.5, ours.variance * 2.0];
            let shaped = |t: &Tensor<1>| t.clone().reshape([1, c, 1, 1]);
            let theirs = (x.clone() - shaped(&mean)) / (shaped(&var) + 1e-5).sqrt();
            let theirs = activation::leaky_relu(theirs * each(gamma) + each(beta), slope);
            let (gamma_, beta_) = (gamma.clone(), beta.clone());
            let ours = ops::batch_norm_by(x.clone(), [mean, var], gamma_, beta_, 1e-5, slope);
            assert_equal!("batch_norm_by", ours, theirs, x, gamma, beta);
        }
    }
}

#[test]
fn layer_normalisation() {
    let mut source = Source::new();
    for dims in [[2, 3, 5], [3, 67, 96]] {
        let x = &(source.leaf(dims) * 2.0 - 3.0).detach().require_grad();
        let (gamma, beta) = (&source.leaf([dims[2]]), &source.leaf([dims[2]]));
        let centred = x.clone() - x.clone().mean_dim(2);
        let var = centred.clone().powi_scalar(2).mean_dim(2);
        let theirs =
            centred / (var + 1e-5).sqrt() * gamma.clone().unsqueeze() + beta.clone().unsqueeze();
        let ours = ops::layer_norm(x.clone(), gamma.clone(), beta.clone(), 1e-5);
        assert_equal!("layer_norm", ours, theirs, x, gamma, beta);
    }
}

#[test]
fn convolutions() {
    let mut source = Source::new();
    let cases = [
        // batch and channels, size, outputs, kernel, stride, padding, dilation
        ([2, 3], [8, 8], 4, [3, 3], [1, 1], [1, 1], [1, 1]),
        ([5, 2], [7, 9], 3, [3, 3], [2, 2], [1, 1], [1, 1]),
        ([3, 4], [28, 28], 8, [4, 4], [2, 2], [1, 1], [1, 1]),
        ([1, 1], [5, 6], 2, [1, 1], [1, 1], [0, 0], [1, 1]),
        ([9, 2], [6, 11], 3, [2, 5], [3, 2], [0, 2], [1, 2]),
        ([2, 16], [16, 16], 16, [3, 3], [1, 1], [1, 1], [1, 1]),
        ([2, 1], [3, 3], 1, [5, 5], [1, 1], [2, 2], [1, 1]),
        // Fewer multiplications: odd sizes, no padding, more padding than the kernel's half.
        ([3, 17], [7, 9], 19, [3, 3], [1, 1], [1, 1], [1, 1]),
        ([2, 16], [6, 5], 24, [3, 3], [1, 1], [0, 0], [1, 1]),
        ([1, 32], [5, 4], 16, [3, 3], [1, 1], [2, 1], [1, 1]),
        ([5, 16], [1, 1], 16, [3, 3], [1, 1], [1, 1], [1, 1]),
    ];
    for (i, (first, size, outputs, kernel, stride, padding, dilation)) in
        cases.into_iter().enumerate()
    {
        let [batch, channels] = first;
        let x = &source.leaf([batch, channels, size[0], size[1]]);
        let w = &source.leaf([outputs, channels, kernel[0], kernel[1]]);
        let b = &source.leaf([outputs]);
        let options = ConvOptions::new(stride, padding, dilation, 1);
        let theirs = |bias| module::conv2d(x.clone(), w.clone(), bias, options.clone());
        let ours = |bias| ops::conv2d(x.clone(), w.clone(), bias, options.clone());
        let bias = || Some(b.clone());
        assert_equal!(format!("conv2d {i}"), ours(bias()), theirs(bias()), x, w, b);
        assert_equal!(format!("conv2d {i} without bias"), ours(None), theirs(None), x, w);
    }
}

#[test]
fn transposed_convolutions() {
    let mut source = Source::new();
    let cases = [
        ([2, 3], [4, 4], 4, [3, 3], [2, 2], [1, 1], [1, 1], [1, 1]),
        ([3, 4], [7, 7], 8, [4, 4], [2, 2], [1, 1], [1, 1], [0, 0]),
        ([5, 2], [5, 3], 3, [3, 3], [1, 1], [1, 1], [1, 1], [0, 0]),
        ([1, 2], [3, 4], 2, [2, 5], [3, 2], [0, 2], [1, 2], [2, 1]),
        ([3, 16], [5, 6], 18, [3, 3], [1, 1], [1, 1], [1, 1], [0, 0]),
    ];
    for (i, case) in cases.into_iter().enumerate() {
        let ([batch, channels], size, outputs, kernel, stride, padding, dilation, out) = case;
        let x = &source.leaf([batch, channels, size[0], size[1]]);
        let w = &source.leaf([channels, outputs, kernel[0], kernel[1]]);
        let b = &source.leaf([outputs]);
        let options = || ConvTransposeOptions::new(stride, padding, out, dilation, 1);
        let theirs = |bias| module::conv_transpose2d(x.clone(), w.clone(), bias, options());
        let ours = |bias| ops::conv_transpose2d(x.clone(), w.clone(), bias, options());
        let bias = || Some(b.clone());
        assert_equal!(format!("transposed {i}"), ours(bias()), theirs(bias()), x, w, b);
        assert_equal!(format!("transposed {i} without bias"), ours(None), theirs(None), x, w);
    }
}

fn attend(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let ([n, queries, width], [_, keys, _]) = (q.dims(), k.dims());
    let d = width / heads;
    let split = |x: Tensor<3>, places| x.reshape([n, places, heads, d]).swap_dims(1, 2);
    let scores = split(q, queries).matmul(split(k, keys).swap_dims(2, 3)) / (d as f64).sqrt();
    let hidden: Vec<f32> = (0..queries * keys)
        .map(|i| if causal && i % keys > i / keys + keys - queries { -1e30 } else { 0.0 })
        .collect();
    let device = scores.device();
    let hidden = Tensor::<2>::from_data(TensorData::new(hidden, [queries, keys]), &device);
    let weights = activation::softmax(scores + hidden.unsqueeze(), 3);
    weights.matmul(split(v, keys)).swap_dims(1, 2).reshape([n, queries, width])
}

#[test]
fn attention() {
    let mut source = Source::new();
    for (batch, queries, keys, heads, d) in [(2, 5, 5, 3, 4), (1, 70, 131, 2, 8), (2, 3, 9, 1, 5)] {
        let q = &source.leaf([batch, queries, heads * d]);
        let [k, v] = &[(); 2].map(|()| source.leaf([batch, keys, heads * d]));
        for causal in [false, true] {
            let ours = ops::attention(q.clone(), k.clone(), v.clone(), heads, causal);
            let theirs = attend(q.clone(), k.clone(), v.clone(), heads, causal);
            assert_equal!(format!("attention {queries} {keys} {causal}"), ours, theirs, q, k, v);
        }
    }
    let [q, k, v] = [2, 5, 5].map(|n| source.leaf([3, n, 6]).inner());
    let first = |x: &Tensor<3>| x.clone().swap_dims(0, 1);
    let ours = ops::cached_attention(q.clone(), first(&k), first(&v), 2);
    assert!(difference(&ours, &attend(q, k, v, 2, true)) < TOLERANCE);
    let qkv = &source.leaf([2, 66, 3 * 12]);
    for causal in [false, true] {
        let [q, k, v]: [Tensor<3>; 3] = qkv.clone().chunk(3, 2).try_into().unwrap();
        let ours = ops::self_attention(qkv.clone(), 4, causal);
        assert_equal!("self_attention", ours, attend(q, k, v, 4, causal), qkv);
    }
}

#[test]
fn lstm() {
    let mut source = Source::new();
    for (batch, places, features, width) in [(2, 5, 3, 4), (37, 3, 6, 20), (1, 1, 2, 1)] {
        let x = &source.leaf([batch, places, features]);
        let input = &source.leaf([features, 4 * width]);
        let hidden = &source.leaf([width, 4 * width]);
        let bias = &source.leaf([4 * width]);
        let [h, c] = &[(); 2].map(|()| source.leaf([batch, width]));
        let weights = || ops::LstmWeights {
            input: input.clone(),
            hidden: hidden.clone(),
            bias: bias.clone(),
        };
        let (mut h_now, mut c_now) = (h.clone(), c.clone());
        let mut all = Vec::new();
        for t in 0..places {
            let x = x.clone().slice([0..batch, t..t + 1]).reshape([batch, features]);
            let gates =
                x.matmul(input.clone()) + h_now.matmul(hidden.clone()) + bias.clone().unsqueeze();
            let [i, f, g, o]: [Tensor<2>; 4] = gates.chunk(4, 1).try_into().unwrap();
            let [i, f, o] = [i, f, o].map(activation::sigmoid);
            c_now = f * c_now + i * g.tanh();
            h_now = o * c_now.clone().tanh();
            all.push(h_now.clone());
        }
        let join = |h: Tensor<3>, [last, cell]: [Tensor<2>; 2]| {
            Tensor::cat(vec![h, last.unsqueeze_dim(1), cell.unsqueeze_dim(1)], 1)
        };
        let theirs = join(Tensor::stack(all, 1), [h_now, c_now]);
        let (ours, state) = ops::lstm(x.clone(), Some([h.clone(), c.clone()]), weights());
        assert_equal!("lstm", join(ours, state), theirs, x, input, hidden, bias, h, c);
        let zeros = [(); 2].map(|()| Tensor::zeros([batch, width], &x.device()));
        let (a, _) = ops::lstm(x.clone(), Some(zeros), weights());
        let (b, _) = ops::lstm(x.clone(), None, weights());
        assert_eq!(host(a), host(b));
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut source = Source::new();
            let x = source.leaf([9, 8, 12, 12]);
            let w = source.leaf([16, 8, 3, 3]);
            let gamma = source.leaf([16]);
            let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
            let y = ops::conv2d(x.clone(), w.clone(), None, options);
            let y = ops::group_norm_silu(y, 4, gamma.clone(), gamma.clone(), 1e-5);
            let y = ops::self_attention(y.reshape([9, 48, 48]), 2, true);
            let y = ops::layer_norm(y, gamma.clone(), gamma.clone(), 1e-5);
            // Large enough for Burn's product to use all threads.
            let wide = source.leaf([16, 1030]);
            let y = ops::linear(ops::linear(y, wide.clone(), None), wide.transpose(), None);
            let grads = y.clone().sum().backward();
            let all = [x.grad(&grads).unwrap(), w.grad(&grads).unwrap()].map(host);
            (host(y), all)
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn numbers_a_channel() {
    let mut source = Source::new();
    for [b, c, h, w] in [[2, 3, 4, 5], [3, 7, 61, 40]] {
        let (x, shift) = (&source.leaf([b, c, h, w]), &source.leaf([b, c]));
        let theirs = x.clone() + shift.clone().reshape([b, c, 1, 1]);
        assert_equal!(
            "add_channels",
            ops::add_channels(x.clone(), shift.clone()),
            theirs,
            x,
            shift
        );
    }
}

#[test]
fn pictures_of_twice_the_size() {
    let mut source = Source::new();
    for ([b, c, h, w], size) in [([2, 3, 4, 3], [7, 6]), ([3, 5, 33, 40], [66, 79])] {
        let x = &source.leaf([b, c, h, w]);
        let doubled = x.clone().reshape([b, c, h, 1, w, 1]).expand([b, c, h, 2, w, 2]);
        let doubled = doubled.reshape([b, c, 2 * h, 2 * w]);
        let theirs = doubled.slice([0..b, 0..c, 0..size[0], 0..size[1]]);
        assert_equal!("upsample_nearest", ops::upsample_nearest(x.clone(), size), theirs, x);
    }
}

#[test]
fn nearest_points() {
    let mut source = Source::new();
    for [n, m, d] in [[1, 1, 1], [5, 3, 2], [130, 40, 3], [200, 1100, 4], [3, 30, 64]] {
        // Whole numbers, so that both compute exactly, and many points are equally near.
        let mut whole = |rows| (source.leaf([rows, d]).detach() * 1.5).round();
        let (x, points) = (whole(n), whole(m));
        let distances =
            (x.clone().unsqueeze_dim::<3>(1) - points.clone().unsqueeze_dim(0)).square();
        let distances = host(distances.sum_dim(2));
        let least = |row: &[f64]| (1..m).fold(0, |a, b| if row[b] < row[a] { b } else { a });
        let expected: Vec<i64> = distances.chunks(m).map(|row| least(row) as i64).collect();
        let got: Vec<i64> = ops::nearest(x, points).into_data().iter().collect();
        assert_eq!(got, expected, "{n} {m} {d}");
    }
}

#[test]
fn what_is_no_number_is_near_some_point() {
    let x = Tensor::<2>::from_floats([[f32::NAN], [f32::INFINITY], [1.0]], &device());
    let points = Tensor::<2>::from_floats([[3.0], [1.5]], &device());
    let got: Vec<i64> = ops::nearest(x, points).into_data().iter().collect();
    assert!(got.iter().all(|i| (0..2).contains(i)) && got[2] == 1, "{got:?}");
}

/// Operations write their results into memory that nobody else holds; what somebody holds stays.
#[test]
fn what_others_hold_is_left_alone() {
    let mut source = Source::new();
    let x: Tensor<2> = source.0.normal([300, 80], &device());
    let before = host(x.clone());
    let silu = ops::silu(x.clone());
    let softmax = ops::softmax(x.clone());
    assert_eq!(host(x.clone()), before);
    assert_eq!(host(ops::softmax(x.clone() + 0.0)), host(softmax));
    // Rows out of the middle, and nobody else.
    let part = ops::silu((x + 0.0).slice([10..200, 0..80]));
    assert_eq!(host(part), host(silu.slice([10..200, 0..80])));
    // One gradient for both, and an input that two operations keep.
    let x = &source.leaf([300, 80]);
    let (w, b) = (&source.leaf([80, 80]), &source.leaf([80]));
    let ours = {
        let h = ops::tanh(x.clone());
        let both = ops::linear(h.clone(), w.clone(), None) + ops::gelu(h.clone());
        ops::layer_norm(both, b.clone(), b.clone(), 1e-5) + h
    };
    let theirs = {
        let h = x.clone().tanh();
        let y = h.clone().matmul(w.clone()) + activation::gelu(h.clone());
        let y = y.clone() - y.mean_dim(1);
        let y = y.clone() / (y.square().mean_dim(1) + 1e-5).sqrt();
        y * b.clone().unsqueeze() + b.clone().unsqueeze() + h
    };
    assert_equal!("shared", ours, theirs, x, w, b);
}

/// Memory that a backward pass leaves is used again, whatever is in it.
#[test]
fn what_memory_held_before_does_not_matter() {
    let step = |poison: f32| {
        let mut source = Source::new();
        let x = source.leaf([6, 8, 30, 30]);
        let (w, v) = (source.leaf([16, 8, 3, 3]), source.leaf([16, 16, 4, 4]));
        let (gamma, wide) = (source.leaf([16]), source.leaf([225, 200]));
        let scale = Tensor::<1>::full([1], poison, &x.device()).unsqueeze();
        let y = x.clone() * scale;
        let y = ops::conv2d(y, w.clone(), None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1));
        let y = ops::group_norm_silu(y, 4, gamma.clone(), gamma.clone(), 1e-5);
        let y = ops::conv2d(y, v.clone(), None, ConvOptions::new([2, 2], [1, 1], [1, 1], 1));
        let row = gamma.clone().reshape([1, 16]);
        let y = ops::batch_norm(ops::silu(y), row.clone(), row, 1e-5, 0.1).output;
        let y = ops::gelu(ops::linear(y.reshape([96, 225]), wide.clone(), None));
        let places = y.clone().reshape([6, 16, 200]);
        let attended = ops::self_attention(Tensor::cat(vec![places; 3], 2), 2, true);
        let norm = wide.clone().slice([0..1, 0..200]).reshape([200]);
        let z = ops::layer_norm(attended, norm.clone(), norm, 1e-5);
        let z = ops::log_softmax(z.reshape([96, 200])) + y;
        let grads = z.clone().sum().backward();
        let all = [x.grad(&grads).unwrap(), w.grad(&grads).unwrap()].map(host);
        (host(z), all, host(wide.grad(&grads).unwrap()))
    };
    let once = step(1.0);
    step(f32::NAN);
    assert!(step(1.0) == once && once.0.iter().all(|v| v.is_finite()));
}
