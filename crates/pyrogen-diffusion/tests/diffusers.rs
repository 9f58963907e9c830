//! A U-Net of diffusers, read from its folder, gives the same answers; see
//! `scripts/reference_unet.py`.

use std::path::{Path, PathBuf};

use burn::tensor::{Int, Tensor};
use pyrogen_diffusion::load_unet;
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::Array;
use serde::Deserialize;

/// Single precision through about twenty layers.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Io {
    x: Array,
    time: Array,
    labels: Option<Vec<i32>>,
    y: Array,
    probe: Array,
    dx: Array,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/unet").join(name)
}

#[test]
fn outputs_and_gradients_are_those_of_diffusers() {
    let device = device().autodiff();
    for name in ["plain", "modulated"] {
        let folder = folder(name);
        let text = std::fs::read_to_string(folder.join("io.json")).unwrap();
        let io: Io = serde_json::from_str(&text).unwrap();
        let loaded = load_unet(&folder, &device).unwrap();
        assert_eq!(loaded.classes.is_some(), io.labels.is_some());
        let x = io.x.tensor::<4>(&device).require_grad();
        let labels = io.labels.map(|l| Tensor::<1, Int>::from_data(l.as_slice(), &device));
        let y = loaded.unet.forward(x.clone(), io.time.tensor(&device), labels);
        io.y.assert_close(y.clone().inner(), TOLERANCE, name);
        let grads = (y * io.probe.tensor(&device)).sum().backward();
        io.dx.assert_close(x.grad(&grads).unwrap(), TOLERANCE, &format!("{name}: dx"));
    }
}

/// A copy of the folder whose config is changed.
fn changed(from: &str, to: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let weights = "diffusion_pytorch_model.safetensors";
    std::fs::copy(folder("plain").join(weights), dir.path().join(weights)).unwrap();
    let text = std::fs::read_to_string(folder("plain").join("config.json")).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(dir.path().join("config.json"), text.replace(from, to)).unwrap();
    load_unet(dir.path(), &device()).unwrap_err().to_string()
}

#[test]
fn what_does_not_fit_is_named() {
    let cases = [
        (r#""layers_per_block": 1"#, r#""layers_per_block": 2"#, "is missing"),
        (r#""in_channels": 1"#, r#""in_channels": 3"#, "`conv_in.weight` has shape [8, 1, 3, 3]"),
        (r#""num_class_embeds": 3"#, r#""num_class_embeds": null"#, "the file has 145 tensors"),
        ("positional", "fourier", "`time_embedding_type` must be `positional`"),
        ("UNet2DModel", "UNet2DConditionModel", "`_class_name` must be `UNet2DModel`"),
        (r#""UpBlock2D""#, r#""AttnUpBlock2D""#, "the mirror image of down_block_types"),
        (r#""downsample_padding": 1"#, r#""downsample_padding": 2"#, "must be 0 or 1, got 2"),
        (r#""norm_num_groups": 4"#, r#""norm_num_groups": 0"#, "groups"),
        ("8,\n    12", "8000,\n    12000", "the file is shorter"),
    ];
    for (from, to, message) in cases {
        let error = changed(from, to);
        assert!(error.contains(message) && !error.contains('\n'), "{error}");
    }
    let missing = load_unet(Path::new("none"), &device()).unwrap_err().to_string();
    assert!(missing.contains("config.json"), "{missing}");
}
