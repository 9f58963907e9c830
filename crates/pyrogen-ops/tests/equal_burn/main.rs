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
    ($name:expr, $ours:expr, $theirs:expr, $($leaf:expr),+) => {
        assert_equal!(within TOLERANCE; $name, $ours, $theirs, $($leaf),+)
    };
    (within $tolerance:expr; $name:expr, $ours:expr, $theirs:expr, $($leaf:expr),+) => {{
        let (ours, theirs) = ($ours, $theirs);
        let name = $name;
        let d = difference(&ours, &theirs);
        assert!(d < $tolerance, "{name}: value differs by {d}");
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
            assert!(d < $tolerance, "{name}: gradient of {} differs by {d}", stringify!($leaf));
        })+
    }};
}

mod dense;
mod densities;
mod norms;
mod pictures;

#[test]
fn gates() {
    let mut source = Source::new();
    for dims in [[2, 3, 10], [5, 41, 194]] {
        let x = &(source.leaf(dims) * 3.0).detach().require_grad();
        let half = dims[2] / 2;
        let [gate, values] = [0, 1].map(|i| x.clone().narrow(2, i * half, half));
        let theirs = activation::silu(gate) * values;
        assert_equal!("gated_silu", ops::gated_silu(x.clone()), theirs, x);
    }
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
        let bent = (x.clone() + x.clone().powi_scalar(3) * 0.044_715) * 0.797_884_560_802_865_4;
        let theirs = x.clone() * (bent.tanh() + 1.0) * 0.5;
        assert_equal!("gelu_tanh", ops::gelu_tanh(x.clone()), theirs, x);
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
            let square = ops::LinearMap::new(source.leaf([16, 16]), None);
            let y = square.after(ops::Elementwise::Gelu).plus(y.clone()).apply(y);
            let few = ops::linear(source.leaf([3, 1030]), source.leaf([1030, 600]), None);
            let grads = y.clone().sum().backward();
            let all = [x.grad(&grads).unwrap(), w.grad(&grads).unwrap()].map(host);
            (host(y), all, host(few))
        })
    };
    assert!(run(1) == run(3));
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
        let z = ops::log_softmax(z.reshape([96, 200]));
        let square = ops::LinearMap::new(wide.clone().slice([0..200, 0..200]), None);
        let z = square.after(ops::Elementwise::Gelu).plus(y).apply(z);
        let grads = z.clone().sum().backward();
        let all = [x.grad(&grads).unwrap(), w.grad(&grads).unwrap()].map(host);
        (host(z), all, host(wide.grad(&grads).unwrap()))
    };
    let once = step(1.0);
    step(f32::NAN);
    assert!(step(1.0) == once && once.0.iter().all(|v| v.is_finite()));
}
