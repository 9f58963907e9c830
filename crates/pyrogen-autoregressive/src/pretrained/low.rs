//! The two matrices of an adapter, and several that stand side by side.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};

use super::adapters::{PREFIX, Settings};
use super::file;
use super::kind::Part;
use super::tensors::{Array, Tensors};
use crate::PretrainedError;
use crate::lora::Adapter;

/// The two matrices of an adapter on the host.
pub(super) struct Low {
    pub(super) rank: usize,
    into: usize,
    out: usize,
    /// `[rank, into]`: the columns of our `A` one after the other.
    a: Vec<f32>,
    /// `[rank, out]`.
    b: Vec<f32>,
}

impl Low {
    /// The adapter of a layer of theirs; None where the file has none.
    pub(super) fn take(
        tensors: &mut Tensors,
        path: &Path,
        name: &str,
        settings: &Settings,
    ) -> Result<Option<Self>, PretrainedError> {
        // A bare network's names have no `transformer.` before them.
        let bare = name.strip_prefix("transformer.").unwrap_or(name);
        let names = [name, bare].map(|name| format!("{PREFIX}{name}"));
        let there = |name: &&String| tensors.has(&format!("{name}.lora_A.weight"));
        let Some(full) = names.iter().find(there) else { return Ok(None) };
        let a = tensors.take(&format!("{full}.lora_A.weight"))?;
        let b = tensors.take(&format!("{full}.lora_B.weight"))?;
        let (&[rank, into], &[out, other]) = (&a.shape[..], &b.shape[..]) else {
            return Err(file(path, format!("`{full}`: shapes {:?}, {:?}", a.shape, b.shape)));
        };
        if rank != other || rank == 0 {
            return Err(file(path, format!("`{full}`: ranks {rank} and {other}")));
        }
        let factor = (settings.of(name, rank) / settings.scale) as f32;
        let mut b = b.transposed()?.values;
        if factor != 1.0 {
            b.iter_mut().for_each(|b| *b *= factor);
        }
        Ok(Some(Self { rank, into, out, a: a.values, b }))
    }

    pub(super) fn of(adapter: &Adapter) -> Self {
        let numbers = |x: Tensor<2>| x.detach().into_data().iter::<f32>().collect::<Vec<f32>>();
        let ([into, rank], [_, out]) = (adapter.a.dims(), adapter.b.dims());
        let a = numbers(adapter.a.val().transpose());
        Self { rank, into, out, a, b: numbers(adapter.b.val()) }
    }

    /// The adapters of layers side by side, each with the ranks that it uses. One that does nothing is
    /// left out, unless all do nothing.
    pub(super) fn split(self, parts: &[Part]) -> Vec<Option<Self>> {
        let idle = self.b.iter().all(|&b| b == 0.0);
        let mut from = 0;
        let part = |part: &Part| {
            let start = from;
            from += part.width;
            let row = |r: usize| &self.b[r * self.out + start..][..part.width];
            let used = |r: &usize| idle || row(*r).iter().any(|&b| b != 0.0);
            let ranks: Vec<usize> = (0..self.rank).filter(used).collect();
            (!ranks.is_empty()).then(|| Self {
                rank: ranks.len(),
                into: self.into,
                out: part.width,
                a: ranks
                    .iter()
                    .flat_map(|&r| &self.a[r * self.into..][..self.into])
                    .copied()
                    .collect(),
                b: ranks.iter().flat_map(|&r| row(r)).copied().collect(),
            })
        };
        parts.iter().map(part).collect()
    }

    /// `A` and `B` as `peft` has them, with zeros up to a rank.
    pub(super) fn as_peft(&self, rank: usize) -> [Array; 2] {
        let (mut a, mut b) = (self.a.clone(), vec![0.0; self.out * rank]);
        a.resize(rank * self.into, 0.0);
        for (r, row) in self.b.chunks_exact(self.out).enumerate() {
            row.iter().enumerate().for_each(|(j, &value)| b[j * rank + r] = value);
        }
        let array = |shape: [usize; 2], values| Array { shape: shape.to_vec(), values };
        [array([rank, self.into], a), array([self.out, rank], b)]
    }

    pub(super) fn adapter(self, scale: f64, device: &Device) -> Adapter {
        let tensor = |values: Vec<f32>, shape| {
            Tensor::<2>::from_data(TensorData::new(values, shape), device)
        };
        let a = tensor(self.a, [self.rank, self.into]).transpose();
        // Of its own, in row-major order.
        let a = Tensor::from_data(a.into_data(), device);
        Adapter::new(a, tensor(self.b, [self.rank, self.out]), scale)
    }
}

/// One adapter of ours for some of theirs side by side: their ranks one after the other, each with the
/// columns of its own layer. None where shapes do not fit.
pub(super) fn joined(found: &[Option<Low>], parts: &[Part], into: usize) -> Option<Low> {
    let out: usize = parts.iter().map(|part| part.width).sum();
    let (mut a, mut b, mut rank, mut from) = (Vec::new(), Vec::new(), 0, 0);
    for (low, part) in found.iter().zip(parts) {
        if let Some(low) = low {
            if low.into != into || low.out != part.width {
                return None;
            }
            rank += low.rank;
            a.extend_from_slice(&low.a);
            for row in low.b.chunks_exact(low.out) {
                let start = b.len();
                b.resize(start + out, 0.0);
                b[start + from..][..low.out].copy_from_slice(row);
            }
        }
        from += part.width;
    }
    Some(Low { rank, into, out, a, b })
}
