//! Networks of PyTorch and `transformers`: logits, loss, gradients.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use pyrogen_autoregressive::pretrained;
use pyrogen_core::Objective;

use super::*;

/// Both sides are in single precision, the fixture has five to seven digits.
const TOLERANCE: f64 = 1e-4;

/// Writes a folder as `transformers` does, of the field `what` of the weights.
pub(super) fn folder(dir: &Path, model: &Value, what: &str) {
    let mut config = model["config"].clone();
    let name = model["name"].as_str().unwrap();
    let kind = ["gpt2", "qwen3"].into_iter().find(|kind| name.starts_with(kind));
    config["model_type"] = kind.unwrap_or("llama").into();
    config["transformers_version"] = "5.23.0".into();
    std::fs::write(dir.join("config.json"), config.to_string()).unwrap();
    let weights = model["weights"].as_object().unwrap();
    let arrays: Vec<(String, Vec<usize>, Vec<u8>)> = weights
        .iter()
        .map(|(name, weight)| {
            let shape = numbers(&weight["shape"]).iter().map(|&n| n as usize).collect();
            let values = numbers(&weight[what]);
            let bytes = values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect();
            (name.clone(), shape, bytes)
        })
        .collect();
    let views = arrays.iter().map(|(name, shape, bytes)| {
        let dtype = safetensors::Dtype::F32;
        (name, safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes).unwrap())
    });
    std::fs::write(dir.join("model.safetensors"), safetensors::serialize(views, None).unwrap())
        .unwrap();
}

/// Gradients by the path of their parameter.
pub(super) struct Paths<'a> {
    pub(super) grads: &'a burn::tensor::Gradients,
    pub(super) path: Vec<String>,
    pub(super) found: BTreeMap<String, Vec<f64>>,
}

impl ModuleVisitor for Paths<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let grad = param.val().grad(self.grads).expect("a gradient of every parameter");
        self.found.insert(self.path.join("."), pyrogen_testkit::host(grad));
    }

    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
}

#[test]
fn networks_equal_transformers() {
    let all = json("models.json");
    for model in all["models"].as_array().unwrap() {
        let name = model["name"].as_str().unwrap();
        let dir = tempfile::tempdir().unwrap();
        folder(dir.path(), model, "values");
        let network = pretrained::open_network(dir.path(), &device().autodiff()).unwrap();
        let rows: Vec<Vec<f64>> = model["tokens"].as_array().unwrap().iter().map(numbers).collect();
        let places = rows[0].len() - 1;
        let part = |from: usize| -> Vec<u32> {
            rows.iter().flat_map(|r| r[from..from + places].iter().map(|&t| t as u32)).collect()
        };
        let inputs = Packed::new(part(0), places);
        let got = pyrogen_testkit::host(network.logits(&inputs, &Default::default()));
        let d = difference(&got, &numbers(&model["logits"]));
        assert!(d < TOLERANCE, "{name}: logits differ by {d}");

        let tokens = network.vocabulary();
        let letters: String = (0..tokens - 1).map(|i| char::from(b'a' + i as u8)).collect();
        let tokenizer = Tokenizer::new(TokenizerChoice::Characters, &[letters]).unwrap();
        let text = TextModel::new(network, Arc::new(tokenizer));
        let batch = pyrogen_autoregressive::TokenBatch { inputs, targets: part(1).into() };
        let loss = text.loss(batch, Default::default()).total();
        let value = pyrogen_testkit::host(loss.clone())[0];
        let expected = model["loss"].as_f64().unwrap();
        assert!((value - expected).abs() < TOLERANCE, "{name}: loss {value}, {expected}");

        let grads = loss.backward();
        let mut paths = Paths { grads: &grads, path: Vec::new(), found: BTreeMap::new() };
        text.network().visit(&mut paths);
        folder(dir.path(), model, "grad");
        let expected = pretrained::renamed(dir.path()).unwrap();
        assert_eq!(expected.len(), paths.found.len(), "{name}");
        for (parameter, values) in expected {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let d = difference(&paths.found[&parameter], &values);
            assert!(d < TOLERANCE, "{name}: gradient of {parameter} differs by {d}");
        }
    }
}

#[test]
fn gated_units_equal_pytorch() {
    let all = json("models.json");
    let gru = &all["gru"];
    let device = device().autodiff();
    let weight = |name: &str, what: &str| numbers(&gru["weights"][name][what]);
    let matrix = |name: &str, what: &str| -> Tensor<2> {
        let values: Vec<f32> = weight(name, what).iter().map(|&v| v as f32).collect();
        let cols = values.len() / 12;
        Tensor::<2>::from_data(TensorData::new(values, [12, cols]), &device).transpose()
    };
    let vector = |name: &str, what: &str| -> Tensor<1> {
        let values: Vec<f32> = weight(name, what).iter().map(|&v| v as f32).collect();
        Tensor::from_data(TensorData::new(values, [12]), &device)
    };
    let layer = pyrogen_nn::Gru {
        input: Param::from_tensor(matrix("weight_ih_l0", "values")),
        hidden: Param::from_tensor(matrix("weight_hh_l0", "values")),
        bias: Param::from_tensor(vector("bias_ih_l0", "values")),
        hidden_bias: Param::from_tensor(vector("bias_hh_l0", "values")),
    };
    let x: Vec<f32> = numbers(&gru["x"]).iter().map(|&v| v as f32).collect();
    let x = Tensor::<3>::from_data(TensorData::new(x, [2, 6, 5]), &device);
    let (y, h) = layer.forward(x, None);
    let host = |x: Tensor<3>| pyrogen_testkit::host(x);
    assert!(difference(&host(y.clone()), &numbers(&gru["y"])) < TOLERANCE);
    assert!(difference(&pyrogen_testkit::host(h), &numbers(&gru["h"])) < TOLERANCE);
    let factors: Vec<f32> = (0..48).map(|i| (i as f32).cos()).collect();
    let factors = Tensor::<3>::from_data(TensorData::new(factors, [2, 6, 4]), &device);
    let grads = (y * factors).sum().backward();
    for (param, name) in [(&layer.input, "weight_ih_l0"), (&layer.hidden, "weight_hh_l0")] {
        let got = pyrogen_testkit::host(param.val().grad(&grads).unwrap());
        let expected = pyrogen_testkit::host(matrix(name, "grad"));
        assert!(difference(&got, &expected) < TOLERANCE, "{name}");
    }
    for (param, name) in [(&layer.bias, "bias_ih_l0"), (&layer.hidden_bias, "bias_hh_l0")] {
        let got = pyrogen_testkit::host(param.val().grad(&grads).unwrap());
        assert!(difference(&got, &weight(name, "grad")) < TOLERANCE, "{name}");
    }
}
