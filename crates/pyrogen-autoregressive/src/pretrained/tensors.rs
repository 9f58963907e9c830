//! Tensors of safetensors files, in one file or in shards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use super::{file, read};
use crate::PretrainedError;

/// Numbers with their shape.
#[derive(Debug, Clone)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Array {
    /// Rows and columns exchanged.
    pub(super) fn transposed(self) -> Result<Self, PretrainedError> {
        let &[rows, cols] = &self.shape[..] else {
            let message = format!("a matrix was expected, got the shape {:?}", self.shape);
            return Err(file(Path::new("weights"), message));
        };
        let mut values = Vec::with_capacity(self.values.len());
        for col in 0..cols {
            values.extend((0..rows).map(|row| self.values[row * cols + col]));
        }
        Ok(Self { shape: vec![cols, rows], values })
    }

    /// Arrays one below the other.
    pub(super) fn joined(parts: Vec<Self>) -> Result<Self, PretrainedError> {
        let mut shape = parts[0].shape.clone();
        if shape.is_empty()
            || parts
                .iter()
                .any(|part| part.shape.len() != shape.len() || part.shape[1..] != shape[1..])
        {
            let shapes: Vec<_> = parts.iter().map(|part| &part.shape).collect();
            return Err(file(Path::new("weights"), format!("shapes {shapes:?} do not fit")));
        }
        shape[0] = parts.iter().map(|part| part.shape[0]).sum();
        Ok(Self { shape, values: parts.into_iter().flat_map(|part| part.values).collect() })
    }
}

/// All tensors of a folder, each taken once.
pub(super) struct Tensors {
    path: PathBuf,
    arrays: BTreeMap<String, Array>,
}

impl Tensors {
    pub(super) fn open(folder: &Path) -> Result<Self, PretrainedError> {
        let (one, index) =
            (folder.join("model.safetensors"), folder.join("model.safetensors.index.json"));
        let shards = if one.exists() { vec![one] } else { shards(folder, &index)? };
        let mut arrays = BTreeMap::new();
        shards.iter().try_for_each(|path| add(path, &mut arrays))?;
        Ok(Self { path: folder.to_path_buf(), arrays })
    }

    /// Those of one file.
    pub(super) fn file(path: &Path) -> Result<Self, PretrainedError> {
        let mut arrays = BTreeMap::new();
        add(path, &mut arrays)?;
        Ok(Self { path: path.to_path_buf(), arrays })
    }

    /// Given ones.
    pub(super) fn of(path: &Path, arrays: BTreeMap<String, Array>) -> Self {
        Self { path: path.to_path_buf(), arrays }
    }

    /// The shape of a tensor that is still there.
    pub(super) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.arrays.get(name).map(|array| &array.shape[..])
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    pub(super) fn take(&mut self, name: &str) -> Result<Array, PretrainedError> {
        let found = self.arrays.remove(name);
        found.ok_or_else(|| file(&self.path, format!("the weight `{name}` is missing")))
    }

    /// Leaves out what a test holds for.
    pub(super) fn leave(&mut self, test: impl Fn(&str) -> bool) {
        self.arrays.retain(|name, _| !test(name));
    }

    /// Refuses weights that nobody took.
    pub(super) fn finish(self) -> Result<(), PretrainedError> {
        match self.arrays.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(file(&self.path, format!("the weight `{name}` has no place in the network")))
            }
        }
    }
}

/// Adds the tensors of a file.
fn add(path: &Path, arrays: &mut BTreeMap<String, Array>) -> Result<(), PretrainedError> {
    let bytes = std::fs::read(path)
        .map_err(|source| PretrainedError::Io { path: path.to_path_buf(), source })?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|e| file(path, format!("no readable safetensors file: {e}")))?;
    for (name, view) in tensors.tensors() {
        let values = values(&view).ok_or_else(|| {
            file(path, format!("`{name}` has type {:?}, expected a float", view.dtype()))
        })?;
        arrays.insert(name, Array { shape: view.shape().to_vec(), values });
    }
    Ok(())
}

/// The files that an index names.
fn shards(folder: &Path, index: &Path) -> Result<Vec<PathBuf>, PretrainedError> {
    let json: Value =
        serde_json::from_str(&read(index)?).map_err(|e| file(index, format!("is no JSON: {e}")))?;
    let map = json["weight_map"].as_object();
    let map = map.ok_or_else(|| file(index, "has no `weight_map`"))?;
    let mut names: Vec<&str> = map.values().filter_map(Value::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let path = |name: &str| {
        let plain = Path::new(name).components().count() == 1 && !name.starts_with('.');
        let path = folder.join(name);
        match plain && path.exists() {
            true => Ok(path),
            false => Err(file(index, format!("names the shard `{name}`, which is not there"))),
        }
    };
    names.into_iter().map(path).collect()
}

/// The numbers in single precision; None for a type that is no float.
fn values(view: &TensorView) -> Option<Vec<f32>> {
    let bytes = view.data();
    let halves = || bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b));
    match view.dtype() {
        Dtype::F32 => {
            Some(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        }
        Dtype::BF16 => Some(halves().map(|h| f32::from_bits(u32::from(h) << 16)).collect()),
        Dtype::F16 => Some(halves().map(of_half).collect()),
        _ => None,
    }
}

/// The value of a number of half precision (IEEE 754 binary16).
pub(super) fn of_half(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let (exponent, mantissa) = (u32::from(half >> 10) & 0x1f, u32::from(half & 0x3ff));
    let magnitude = match (exponent, mantissa) {
        (0, m) => (m as f32 * 2f32.powi(-24)).to_bits(),
        (0x1f, m) => 0x7f80_0000 | (m << 13),
        (e, m) => ((e + 112) << 23) | (m << 13),
    };
    f32::from_bits(sign | magnitude)
}

/// Arrays in safetensors' format.
pub(super) fn to_bytes(arrays: &[(String, Array)]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = arrays
        .iter()
        .map(|(_, array)| array.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = arrays.iter().zip(&bytes).map(|((name, array), bytes)| {
        let view = TensorView::new(Dtype::F32, array.shape.clone(), bytes);
        (name, view.expect("as many numbers as the shape says"))
    });
    safetensors::serialize(views, None).expect("writing to memory does not fail")
}

#[cfg(test)]
mod tests {
    use super::of_half;

    #[test]
    fn halves_are_read() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x0400, 6.103_515_6e-5),
        ] {
            assert_eq!(of_half(bits), value, "{bits:x}");
        }
        assert!(of_half(0x7e00).is_nan() && of_half(0x7c00) == f32::INFINITY);
    }
}
