//! Formulas of tensors.

use std::cell::Cell;

use burn::tensor::{DType, Device, Element, Tensor, TensorData};
use rayon::prelude::*;

use super::dual::WIDTH;
use super::{Dual, Real, on_device};
use crate::Noise;
use crate::distribution::numerics::{broadcast_dims, expand_to};
use crate::noise::Stream;
use crate::parallel::on_cpu;

/// A function of a few numbers, written for every carrier.
pub(crate) trait Formula: Sync {
    /// The value.
    fn eval<R: Real>(&self, args: &[R]) -> R;
}

/// Numbers that one thread computes at a time.
const CHUNK: usize = 1024;

/// Arguments that a formula has at most.
const ARGUMENTS: usize = 8;

thread_local! {
    static TENSOR_ARITHMETIC: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` with formulas computed by tensor operations on this thread, as on devices other than the
/// CPU. For tests of that way on the CPU.
pub fn in_tensor_arithmetic<T>(f: impl FnOnce() -> T) -> T {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            TENSOR_ARITHMETIC.set(self.0);
        }
    }
    let _back = Back(TENSOR_ARITHMETIC.replace(true));
    f()
}

/// Whether [`in_tensor_arithmetic`] runs on this thread.
pub(crate) fn is_in_tensor_arithmetic() -> bool {
    TENSOR_ARITHMETIC.get()
}

/// A formula of each element. Arguments broadcast.
///
/// # Panics
/// If the shapes do not broadcast, or the arguments are of several types.
pub(crate) fn apply<F: Formula, const D: usize>(
    who: &str,
    formula: &F,
    args: &[Tensor<D>],
) -> Tensor<D> {
    let dims = args[1..].iter().fold(args[0].dims(), |d, x| broadcast_dims(who, d, x.dims()));
    let on_host_path = on_cpu(&args[0].device()) && !TENSOR_ARITHMETIC.get();
    let flat: Vec<Tensor<1>> =
        args.iter().map(|x| flatten(x.clone(), dims, on_host_path)).collect();
    let y = if on_host_path { on_host(formula, &flat) } else { on_device::evaluate(formula, flat) };
    y.reshape(dims)
}

/// As one axis: the whole, or one element where that is all and `single` allows it.
fn flatten<const D: usize>(x: Tensor<D>, dims: [usize; D], single: bool) -> Tensor<1> {
    let all: usize = dims.iter().product();
    if single && x.dims().iter().product::<usize>() == 1 {
        return x.reshape([1]);
    }
    expand_to(x, dims).reshape([all])
}

/// A formula of arguments of one length, or of one element, on the host.
pub(super) fn on_host<F: Formula>(formula: &F, args: &[Tensor<1>]) -> Tensor<1> {
    computed(formula, args, Vec::new())
}

/// The same with further arguments that are on the host already.
fn computed<F: Formula>(formula: &F, args: &[Tensor<1>], more: Vec<Vec<f64>>) -> Tensor<1> {
    let mut columns = Columns::read(args);
    for column in more {
        columns.len = column.len();
        let length = [column.len()];
        columns.columns.push(Column::Many(TensorData::new(column, length)));
    }
    assert!(columns.columns.len() <= ARGUMENTS, "too many arguments of a formula");
    let device = args[0].device();
    let dtype = args[0].dtype();
    let tracked: Vec<usize> = (0..args.len()).filter(|&i| args[i].is_tracked()).collect();
    if tracked.is_empty() {
        return tensor(columns.values(dtype, &|_, args, out| fill(formula, args, out)), &device);
    }
    let mut result: Option<Tensor<1>> = None;
    // As many passes as there are groups of derivatives.
    for wanted in tracked.chunks(WIDTH) {
        let mut parts = columns
            .slopes(dtype, wanted.len(), &|args, out| fill_slopes(formula, wanted, args, out))
            .into_iter();
        let value = tensor(parts.next().expect("the value"), &device);
        let mut sum = result.take().unwrap_or(value);
        for (&i, slope) in wanted.iter().zip(parts) {
            // Zero in value; the slope is the gradient.
            let x = args[i].clone();
            let zero = x.clone() - Tensor::from_inner(x.inner());
            sum = sum + tensor(slope, &device) * zero;
        }
        result = Some(sum);
    }
    result.expect("an argument is tracked")
}

/// Draws: a formula of parameters (the first arguments) and of noise that was made for them.
///
/// `numbers` makes those of one row, of which the first `count` are the last arguments. Where it does
/// not need the parameters (`blind`) they are not read from a device.
///
/// # Panics
/// As [`apply`]; in a window of the noise, if the first axis is not the window's rows.
pub(crate) fn draw<F: Formula, const D: usize>(
    who: &str,
    formula: &F,
    params: &[Tensor<D>],
    noise: &mut Noise,
    (count, blind): (usize, bool),
    numbers: &(dyn Fn(&mut Stream, &[f64]) -> [f64; 2] + Sync),
) -> Tensor<D> {
    let dims = params[1..].iter().fold(params[0].dims(), |d, x| broadcast_dims(who, d, x.dims()));
    let (device, dtype) = (params[0].device(), params[0].dtype());
    let host = on_cpu(&device) && !TENSOR_ARITHMETIC.get();
    let flat: Vec<Tensor<1>> = params.iter().map(|x| flatten(x.clone(), dims, host)).collect();
    let words = noise.words(&dims);
    let mut columns = if blind && !host { Columns::empty() } else { Columns::read(&flat) };
    columns.len = words.len();
    if host && !flat.iter().any(Tensor::is_tracked) {
        let kernel = |start: usize, args: &[&[f64]], out: &mut [f64]| {
            fill_draws(formula, numbers, count, &words[start..], args, out);
        };
        return tensor::<1>(columns.values(dtype, &kernel), &device).reshape(dims);
    }
    let numbers = columns.noise(&words, count, numbers);
    if host {
        return computed(formula, &flat, numbers).reshape(dims);
    }
    let noise = numbers.into_iter().map(|v| {
        let data = TensorData::new(v, [words.len()]).convert_dtype(dtype);
        tensor(data, &device)
    });
    let args = flat.into_iter().chain(noise).collect();
    on_device::evaluate(formula, args).reshape(dims)
}

fn fill<F: Formula>(formula: &F, args: &[&[f64]], out: &mut [f64]) {
    let mut at = [0.0; ARGUMENTS];
    for (i, out) in out.iter_mut().enumerate() {
        for (at, column) in at.iter_mut().zip(args) {
            *at = column[i];
        }
        *out = formula.eval(&at[..args.len()]);
    }
}

/// Noise and formula of each row at once.
fn fill_draws<F: Formula>(
    formula: &F,
    numbers: &(dyn Fn(&mut Stream, &[f64]) -> [f64; 2] + Sync),
    count: usize,
    words: &[u64],
    args: &[&[f64]],
    out: &mut [f64],
) {
    let (mut at, n) = ([0.0; ARGUMENTS], args.len());
    for (i, (out, &word)) in out.iter_mut().zip(words).enumerate() {
        for (at, column) in at.iter_mut().zip(args) {
            *at = column[i];
        }
        let noise = numbers(&mut Stream::new(word), &at[..n]);
        at[n..n + count].copy_from_slice(&noise[..count]);
        *out = formula.eval(&at[..n + count]);
    }
}

fn fill_slopes<F: Formula>(formula: &F, wanted: &[usize], args: &[&[f64]], out: &mut [&mut [f64]]) {
    let mut at = [Dual::argument(0.0, None); ARGUMENTS];
    for i in 0..out[0].len() {
        for (j, (at, column)) in at.iter_mut().zip(args).enumerate() {
            *at = Dual::argument(column[i], wanted.iter().position(|&w| w == j));
        }
        let y = formula.eval(&at[..args.len()]);
        out[0][i] = y.value;
        for (k, out) in out[1..].iter_mut().enumerate() {
            // Where the density is 0 it does not change.
            out[i] = if y.value.is_infinite() { 0.0 } else { y.slopes[k] };
        }
    }
}

/// A tensor of data on a device, of the data's own type.
pub(crate) fn tensor<const D: usize>(data: TensorData, device: &Device) -> Tensor<D> {
    let dtype = data.dtype();
    Tensor::from_data(data, (device, dtype))
}

/// What is computed of chunks of columns, from the number of their first row.
type Kernel<'a> = &'a (dyn Fn(usize, &[&[f64]], &mut [f64]) + Sync);
type SlopesKernel<'a> = &'a (dyn Fn(&[&[f64]], &mut [&mut [f64]]) + Sync);

/// A type that results are rounded to.
trait Rounded: Copy + Default + Send + Element {
    fn of(value: f64) -> Self;
}

impl Rounded for f64 {
    fn of(value: f64) -> Self {
        value
    }
}

impl Rounded for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }
}

/// The values of arguments on the host, row by row.
pub(crate) struct Columns {
    columns: Vec<Column>,
    /// The number of rows.
    pub len: usize,
}

enum Column {
    One(f64),
    Many(TensorData),
}

/// What is done with a chunk: its first row, the columns' numbers, the number of rows.
type Work<'a, T> = dyn Fn(usize, &[&[f64]], usize) -> T + Sync + 'a;

impl Columns {
    /// Reads arguments of one length or of one element. They need not be on the host.
    pub(crate) fn read(args: &[Tensor<1>]) -> Self {
        let lengths = || args.iter().map(|x| x.dims()[0]);
        // No rows at all is a length, too.
        let len = lengths().find(|&n| n != 1).unwrap_or(1);
        let dtype = args.first().map(Tensor::dtype);
        let read = |x: &Tensor<1>| {
            assert_eq!(Some(x.dtype()), dtype, "tensors of several types in one distribution");
            let x = if x.device().is_autodiff() { x.clone().inner() } else { x.clone() };
            let one = x.dims()[0] == 1 && len != 0;
            let data = x.into_data();
            if one {
                return Column::One(data.iter().next().expect("one element"));
            }
            match data.dtype() {
                DType::F32 | DType::F64 => Column::Many(data),
                _ => Column::Many(data.convert::<f32>()),
            }
        };
        Self { columns: args.iter().map(read).collect(), len }
    }

    fn empty() -> Self {
        Self { columns: Vec::new(), len: 0 }
    }

    /// The first `count` numbers that `noise` makes of each row's word and parameters.
    fn noise(
        &self,
        words: &[u64],
        count: usize,
        numbers: &(dyn Fn(&mut Stream, &[f64]) -> [f64; 2] + Sync),
    ) -> Vec<Vec<f64>> {
        let parts = self.chunks(&|start, args, rows| {
            let mut at = [0.0; ARGUMENTS];
            let row = |i: usize| {
                for (at, column) in at.iter_mut().zip(args) {
                    *at = column[i];
                }
                numbers(&mut Stream::new(words[start + i]), &at[..args.len()])
            };
            (0..rows).map(row).collect::<Vec<[f64; 2]>>()
        });
        let column = |k: usize| parts.iter().flatten().map(move |n| n[k]).collect();
        (0..count).map(column).collect()
    }

    /// Rows `start..` of each column into its buffer.
    fn load(&self, start: usize, rows: usize, buffers: &mut [Vec<f64>]) {
        for (column, buffer) in self.columns.iter().zip(buffers) {
            buffer.clear();
            match column {
                Column::One(value) => buffer.resize(rows, *value),
                Column::Many(data) => match data.as_slice::<f32>() {
                    Ok(values) => {
                        buffer.extend(values[start..start + rows].iter().map(|&v| f64::from(v)));
                    }
                    Err(_) => {
                        let values = data.as_slice::<f64>().expect("single or double precision");
                        buffer.extend_from_slice(&values[start..start + rows]);
                    }
                },
            }
        }
    }

    /// Runs `work` on chunks of rows, in parallel where there are many; results in order.
    pub(crate) fn chunks<T: Send>(&self, work: &Work<'_, T>) -> Vec<T> {
        let one = |chunk: usize| {
            let start = chunk * CHUNK;
            let rows = CHUNK.min(self.len - start);
            let mut buffers = vec![Vec::with_capacity(rows); self.columns.len()];
            self.load(start, rows, &mut buffers);
            let views: Vec<&[f64]> = buffers.iter().map(Vec::as_slice).collect();
            work(start, &views, rows)
        };
        let count = self.len.div_ceil(CHUNK);
        if count <= 2 {
            return (0..count).map(one).collect();
        }
        (0..count).into_par_iter().map(one).collect()
    }

    /// One result a row.
    fn values(&self, dtype: DType, kernel: Kernel) -> TensorData {
        if dtype == DType::F64 {
            return TensorData::new(self.values_as::<f64>(kernel), [self.len]);
        }
        let data = TensorData::new(self.values_as::<f32>(kernel), [self.len]);
        if dtype == DType::F32 { data } else { data.convert_dtype(dtype) }
    }

    /// Chunk by chunk into its place; a thread keeps its buffers.
    fn values_as<T: Rounded>(&self, kernel: Kernel) -> Vec<T> {
        let mut out = vec![T::default(); self.len];
        let buffers = || (vec![Vec::with_capacity(CHUNK); self.columns.len()], vec![0.0; CHUNK]);
        type Buffers = (Vec<Vec<f64>>, Vec<f64>);
        let one = |(columns, results): &mut Buffers, (chunk, out): (usize, &mut [T])| {
            let start = chunk * CHUNK;
            self.load(start, out.len(), columns);
            let views: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let results = &mut results[..out.len()];
            kernel(start, &views, results);
            for (out, result) in out.iter_mut().zip(results) {
                *out = T::of(*result);
            }
        };
        if self.len <= 2 * CHUNK {
            let mut buffers = buffers();
            out.chunks_mut(CHUNK).enumerate().for_each(|part| one(&mut buffers, part));
        } else {
            out.par_chunks_mut(CHUNK).enumerate().for_each_init(buffers, one);
        }
        out
    }

    /// The value and `count` slopes of each row.
    fn slopes(&self, dtype: DType, count: usize, kernel: SlopesKernel) -> Vec<TensorData> {
        let parts = self.chunks(&|_, args, rows| {
            let mut out = vec![vec![0.0; rows]; 1 + count];
            let mut views: Vec<&mut [f64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
            kernel(args, &mut views);
            out
        });
        let column = |k: usize| parts.iter().flat_map(move |part| part[k].iter().copied());
        (0..=count)
            .map(|k| match dtype {
                DType::F64 => data(column(k).map(|v| finite(k, v, f64::MAX)), self.len),
                other => {
                    let limit = f64::from(f32::MAX);
                    let values = column(k).map(|v| finite(k, v, limit) as f32);
                    let data = data(values, self.len);
                    if other == DType::F32 { data } else { data.convert_dtype(other) }
                }
            })
            .collect()
    }
}

fn data<E: Element>(values: impl Iterator<Item = E>, len: usize) -> TensorData {
    let mut out = Vec::with_capacity(len);
    out.extend(values);
    TensorData::new(out, [len])
}

/// A slope (`k > 0`) that overflows is the largest number, since infinity times zero is NaN.
fn finite(k: usize, value: f64, limit: f64) -> f64 {
    if k > 0 && value.abs() > limit { limit.copysign(value) } else { value }
}
