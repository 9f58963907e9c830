//! Functions of vectors: one number for each vector along the last axis, with its gradient.
//!
//! The host computes in double precision, as for the families of numbers; the slopes enter the graph in
//! the same way. Other devices are read for it.

use burn::tensor::{DType, Tensor, TensorData};
use rayon::prelude::*;

use super::numerics::{broadcast_dims, expand_to};
use super::{OneMoreThan, Rank};
use crate::real::tensor;

/// A function of `N` vectors of one length.
#[derive(Clone, Copy)]
pub struct Function<const N: usize> {
    /// Its value.
    pub value: fn([&[f64]; N]) -> f64,
    /// Its derivative by each element of each vector.
    pub slopes: fn([&[f64]; N], [&mut [f64]; N]),
}

/// The function of the vectors along the last axis, which is dropped. Arguments broadcast.
pub(super) fn of_rows<const N: usize, const L: usize, const B: usize>(
    who: &str,
    function: Function<N>,
    args: [Tensor<L>; N],
) -> Tensor<B>
where
    Rank<L>: OneMoreThan<B>,
{
    let dims = args.iter().fold([1; L], |d, x| broadcast_dims(who, d, x.dims()));
    let args = args.map(|x| expand_to(x, dims));
    let (width, device, dtype) = (dims[L - 1], args[0].device(), args[0].dtype());
    let plain = args
        .each_ref()
        .map(|x| if x.device().is_autodiff() { x.clone().inner() } else { x.clone() });
    let values: [Vec<f64>; N] = plain.map(|x| x.into_data().iter().collect());
    let rows = values[0].len() / width.max(1);
    let row = |i: usize| values.each_ref().map(|v| &v[i * width..(i + 1) * width]);
    let results: Vec<f64> = (0..rows).into_par_iter().map(|i| (function.value)(row(i))).collect();
    let batch: [usize; B] = std::array::from_fn(|i| dims[i]);
    let upload = |v: Vec<f64>, dims: &[usize]| {
        let data = TensorData::new(v, dims.to_vec());
        if dtype == DType::F64 { data } else { data.convert_dtype(dtype) }
    };
    let mut sum: Tensor<B> = tensor(upload(results, &batch), &device);
    if !args.iter().any(Tensor::is_tracked) {
        return sum;
    }
    let parts: Vec<[Vec<f64>; N]> = (0..rows)
        .into_par_iter()
        .map(|i| {
            let mut out: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; width]);
            (function.slopes)(row(i), out.each_mut().map(Vec::as_mut_slice));
            out
        })
        .collect();
    for (k, x) in args.into_iter().enumerate().filter(|(_, x)| x.is_tracked()) {
        let slope: Vec<f64> = parts.iter().flat_map(|p| p[k].iter().copied()).collect();
        let zero = x.clone() - Tensor::from_inner(x.inner());
        let slope: Tensor<L> = tensor(upload(slope, &dims), &device);
        let part: Tensor<B> = (slope * zero).sum_dim(L - 1).squeeze_dim(L - 1);
        sum = sum + part;
    }
    sum
}
