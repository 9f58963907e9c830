//! The model folder.

use std::fs;

use pyrogen_core::folder::{Card, replace_card, sha256_hex, to_bytes};
use pyrogen_core::{FolderError, Seed};
use pyrogen_testkit::device;
use pyrogen_vae::{FAMILY, Vae};

use super::{every_kind, small};

#[test]
fn a_saved_model_is_the_same_model() {
    let device = device();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    for config in every_kind() {
        let vae = config.init(Seed(4), &device.clone().autodiff()).unwrap();
        vae.save(&path, &Card::new(FAMILY, Seed(4))).unwrap();
        let loaded = Vae::load(&path, &device).unwrap();
        assert_eq!(loaded.config(), &config);
        assert_eq!(to_bytes(&loaded), to_bytes(&vae));
    }
}

#[test]
fn bad_folders_are_errors() {
    let device = device();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let weights = path.join("model.safetensors");
    let write = || {
        let vae = small().init(Seed(4), &device).unwrap();
        vae.save(&path, &Card::new(FAMILY, Seed(4))).unwrap();
    };
    let edit = |file: &str, from: &str, to: &str| {
        write();
        let file = path.join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        let changed = text.replace(from, to);
        fs::write(&file, &changed).unwrap();
        // The card vouches for the config and for itself: it is written anew, so that what comes next
        // is looked at.
        let hashes = [&text, &changed].map(|t| sha256_hex(t.as_bytes()));
        replace_card(&path, |card| {
            if card.config_sha256 == hashes[0] {
                card.config_sha256 = hashes[1].clone();
            }
        })
        .unwrap();
        Vae::load(&path, &device).unwrap_err()
    };
    assert!(matches!(Vae::load(&path, &device), Err(FolderError::Io { .. })));
    write();
    replace_card(&path, |card| card.family = "gan".into()).unwrap();
    assert!(matches!(Vae::load(&path, &device), Err(FolderError::Family { .. })));
    write();
    let card = path.join("card.json");
    let text = fs::read_to_string(&card).unwrap().replace("\"vae\"", "\"gan\"");
    fs::write(&card, text).unwrap();
    let changed = Vae::load(&path, &device).unwrap_err().to_string();
    assert!(changed.contains("damaged or was changed"), "{changed}");
    assert!(matches!(edit("config.json", "\"latents\"", "\"latent\""), FolderError::Json { .. }));
    assert!(matches!(
        edit("config.json", "\"levels\": 17", "\"levels\": 1"),
        FolderError::Config { .. }
    ));
    assert!(matches!(
        edit("config.json", "\"latents\": 3", "\"latents\": 4"),
        FolderError::Mismatch { .. }
    ));
    let huge = edit("config.json", "\"latents\": 3", "\"latents\": 1000000000000000");
    assert!(matches!(huge, FolderError::Config { .. }));
    assert!(!huge.to_string().contains('\n'));
    write();
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(Vae::load(&path, &device), Err(FolderError::Weights { .. })));
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&weights, flipped).unwrap();
    assert!(matches!(Vae::load(&path, &device), Err(FolderError::Damaged { .. })));
}
