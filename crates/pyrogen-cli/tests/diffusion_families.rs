//! Diffusion and flow matching through every command: it works, or one line says why not.

use crate::common::{Room, TINY};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use pyrogen::core::folder::ModelFolder;
use pyrogen::data::write_npy;
use pyrogen::diffusion::{Diffusion, FlowMatching};

/// A model so small that it is trained in a second.
const SMALL: &str = "--set network={\"mlp\":{\"width\":8,\"blocks\":1}} --steps 20 --no-evaluate";

const FAMILIES: [&str; 2] = ["diffusion", "flow-matching"];

#[test]
fn both_families_serve_the_commands() {
    let room = Room::new();
    for name in FAMILIES {
        room.ok(&format!("train {name} --data digits --out {name} --set classes=10 {SMALL}"));
        room.ok(&format!("sample {name} -n 4 --steps 3 --out {name}/s.png"));
        room.ok(&format!("sample {name} -n 2 --class 7 --guidance 2 --steps 2 --out {name}/7.csv"));
        let euler = format!("sample {name} -n 2 --sampler euler --steps 2 --out {name}/e.npy");
        room.ok(&euler);
        let first = room.read(&format!("{name}/e.npy"));
        room.ok(&euler);
        assert_eq!(first, room.read(&format!("{name}/e.npy")), "a seed gives the same samples");
        room.ok(&format!("evaluate {name} --data digits --limit 12"));
        // Through noise and back.
        room.ok(&format!("reconstruct {name} --data digits -n 3 --out r.png"));
    }
    let bound = room.json("score diffusion --data digits --method lower-bound --draws 2 --json");
    assert_eq!(bound["kind"], "lower_bound");
    assert!(bound["mean_nats"].as_f64().is_some_and(f64::is_finite), "{bound}");
}

#[test]
fn hidden_parts_are_filled_in() {
    let room = Room::new();
    room.ok(&format!("train diffusion --data digits --out d {SMALL}"));
    let line = "inpaint d --data digits -n 3 --candidates 2 --steps 3 --repeats 1 --out";
    room.ok(&format!("{line} filled.png --hide centre"));
    let halves = ["1,1,1,1,0,0,0,0"; 8].join("\n");
    room.write("half.csv", halves);
    room.ok(&format!("{line} filled.csv --mask half.csv"));
    let rows: Vec<Vec<f32>> = room
        .text("filled.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|v| v.parse().unwrap()).collect())
        .collect();
    assert_eq!(rows.len(), 3 * 4);
    // Of each example: the original, what is given, two candidates, with the same left half.
    for lines in rows.chunks(4) {
        for candidate in &lines[2..] {
            for (k, (original, filled)) in lines[0].iter().zip(candidate).enumerate() {
                assert!(k % 8 >= 4 || original == filled, "pixel {k}: {original} became {filled}");
            }
        }
    }
    room.write("small.csv", "1,0\n0,1");
    room.refused(
        &format!("{line} x.png --mask small.csv"),
        2,
        "the mask has 4 values, an example has 64",
    );
    room.write("grey.csv", ["0.5,1,1,1,0,0,0,0"; 8].join("\n"));
    room.refused(&format!("{line} x.png --mask grey.csv"), 1, "a mask holds 1 (given) and 0");
    room.refused(
        "inpaint d --data digits --repeats 0 --out x.png",
        2,
        "`repeats` must be a whole number of at least 1",
    );
}

#[test]
fn what_makes_no_sense_is_one_line() {
    let room = Room::with_run();
    room.ok(&format!("train diffusion --data digits --out d {SMALL}"));
    room.ok(&format!("train flow-matching --data digits --out f {SMALL}"));
    for (line, says) in [
        ("sample d --steps 0 --out x.png", "`steps` must be a whole number of at least 1, got 0"),
        ("sample d --guidance 3 --out x.png", "must be 1 for a model without classes, got 3"),
        ("sample d --guidance NaN --out x.png", "--guidance must be a number"),
        ("sample d --sampler dpm --out x.png", "`sampler` must be one of ddpm, "),
        ("sample f --sampler dpmpp-2m --out x.png", "one of euler, heun, midpoint, rk45"),
        ("sample d --class 3 --out x.png", "the model was trained without labels"),
        ("sample run --steps 5 --out x.png", "has no option `steps`"),
        ("sample run --guidance 2 --out x.png", "has no option `guidance`"),
        ("inpaint d --data digits -n 0 --out x.png", "-n and --candidates must be at least 1"),
    ] {
        room.refused(line, 2, says);
    }
    room.refused("inpaint run --data digits --out x.png", 1, "cannot complete");
    room.refused("inpaint f --data digits --out x.png", 1, "cannot complete");
    let bad = format!("train diffusion --data digits --out b {SMALL}");
    room.refused(&format!("{bad} --set label_dropout=1"), 2, "`label_dropout` must be in [0, 1)");
    room.refused(&format!("{bad} --set classes=3"), 2, "at least 10, the classes of the data");
    room.refused(&format!("{bad} --set prediction=noise"), 2, "noise");
    assert!(TINY.contains("latents"), "the run of this test is an autoencoder");
}

/// Weights that are no numbers.
struct Broken;

impl ModuleMapper for Broken {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        Param::from_tensor(param.val() * f32::NAN)
    }
}

#[test]
fn a_network_that_gives_no_numbers_is_an_error_that_says_where() {
    let room = Room::new();
    for name in FAMILIES {
        room.ok(&format!("train {name} --data digits --context small:2 --out {name} {SMALL}"));
        let folder = room.path(&format!("{name}/model"));
        let card = ModelFolder::open(&folder).unwrap().card().clone();
        match name {
            "diffusion" => {
                let model = Diffusion::load(&folder, &Device::flex()).unwrap();
                model.map(&mut Broken).save(&folder, &card).unwrap();
            }
            _ => {
                let model = FlowMatching::load(&folder, &Device::flex()).unwrap();
                model.map(&mut Broken).save(&folder, &card).unwrap();
            }
        }
        let at = match name {
            "diffusion" => "step 1: the network gave a number that is not finite at noise level ",
            _ => "step 1: the velocity has a number that is not finite at time ",
        };
        for line in [
            "sample NAME -n 2 --context digits --out x.png",
            "sample NAME -n 2 --context digits --from digits --strength 0.5 --out x.png",
            "upscale NAME --input digits --out x.png",
            "interpolate NAME --data digits --out x.png",
            "score NAME --data digits",
            "anomaly NAME --data digits",
            "evaluate NAME --data digits --limit 20 --draws 1",
        ] {
            // An evaluation leaves out a likelihood that is NaN, and fails where it draws.
            room.refused(&line.replace("NAME", name), 1, at);
        }
    }
    let says = "step 1: the network gave a number that is not finite at noise level ";
    room.refused("inpaint diffusion --data digits -n 2 --out x.png", 1, says);
}

#[test]
fn levels_and_masks_that_do_not_fit() {
    let room = Room::new();
    let bad = format!("train diffusion --data digits --out b {SMALL} --set prediction=velocity");
    let edm = |min: f64, max: f64| {
        format!("{{\"edm\":{{\"mean\":-1,\"std\":1,\"sigma_min\":{min},\"sigma_max\":{max}}}}}")
    };
    for (min, max) in [(80.0, 0.002), (1.0, 1.0), (0.0, 80.0), (-1.0, 80.0)] {
        room.refused(&format!("{bad} --set process={}", edm(min, max)), 2, "`process.edm.sigma_");
    }
    room.ok(&format!("train diffusion --data digits --out d {SMALL}"));
    for shape in [[4, 4], [8, 7], [16, 8]] {
        let ones = vec![1.0; shape[0] * shape[1]];
        write_npy(&room.path("mask.npy"), &ones, &shape).unwrap();
        let says = format!("the mask has {} values, an example has 64", ones.len());
        room.refused("inpaint d --data digits --mask mask.npy --out x.png", 2, &says);
    }
    room.refused("inpaint d --data digits --mask none.npy --out x.png", 1, "none.npy: cannot read");
    room.refused(
        "inpaint d --data digits --steps 0 --out x.png",
        2,
        "`steps` must be a whole number",
    );
    room.refused(
        "sample d --sampler ddpm --steps 5000 --out x.png --guidance 2",
        2,
        "must be 1 for a model without classes",
    );
}
