//! Every variational autoencoder through every command: it works, or one line says why not.

use crate::common::{Room, TINY};

/// The families, with what they have beside the settings of [`TINY`].
const SMALL: [(&str, &str); 9] = [
    ("vae", ""),
    ("iwae", "--set objective.iwae.samples=2"),
    ("beta-tc-vae", ""),
    ("factor-vae", "--set objective.factor.discriminator.hidden=[8]"),
    ("info-vae", ""),
    ("wae", ""),
    ("vamp-vae", "--set prior.vamp.components=4"),
    ("ladder-vae", "--set latents=[3,2] --set width=8"),
    ("vq-vae", "--set codes=4 --set dim=2 --set levels=2"),
];

/// The settings of a family in full; networks or latents of some are of their own kind.
fn settings(name: &str, own: &str) -> String {
    let network = r#"{"conv":{"channels":[4],"activation":"relu"}}"#;
    match name {
        "vq-vae" => format!("--set network={network} --steps 20 --no-evaluate {own}"),
        "ladder-vae" => format!("{} {own}", TINY.replace("--set latents=2", "")),
        _ => format!("{TINY} {own}"),
    }
}

/// The command fails with one line that says why.
fn refused(room: &Room, line: &str, why: &str) {
    let refused = room.run(line);
    assert_eq!(refused.code, Some(1), "{line}");
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
}

#[test]
fn every_method_serves_every_command() {
    let room = Room::new();
    for (name, own) in SMALL {
        let settings = settings(name, own);
        room.ok(&format!("train {name} --data digits --out {name} {settings}"));
        room.ok(&format!("sample {name} -n 4 --out {name}/s.png"));
        let fitted =
            format!("sample {name} -n 4 --latents fitted --data digits --out {name}/f.npy");
        match name {
            "vq-vae" => refused(&room, &fitted, "which no Gaussian describes"),
            _ => drop(room.ok(&fitted)),
        }
        room.ok(&format!("reconstruct {name} --data digits -n 4 --out {name}/r.png"));
        room.ok(&format!("interpolate {name} --data digits --steps 3 --out {name}/i.png"));
        let traverse = format!("traverse {name} --steps 3 --out {name}/t.png");
        match name {
            "vq-vae" => refused(&room, &traverse, "which have no directions"),
            _ => drop(room.ok(&traverse)),
        }
        for command in ["score", "anomaly"] {
            let line = format!("{command} {name} --data digits --draws 2");
            let why = "of family `wae` cannot score: its encoder is deterministic, and a code has \
                       no density";
            match name {
                "wae" => refused(&room, &line, why),
                _ => drop(room.ok(&line)),
            }
        }
        let line = format!("evaluate {name} --data digits --draws 2 --limit 40 --json");
        let report = room.json(&line);
        assert_eq!(report["rate_distortion"].is_null(), name == "wae", "{name}");
        // Points and codes have no posterior whose divergence could be measured.
        assert_eq!(report["latent"].is_null(), ["vq-vae", "wae"].contains(&name), "{name}");
        assert_eq!(report["codes"].is_null(), name != "vq-vae", "{name}");
    }
}

#[test]
fn every_method_is_listed() {
    let listed = Room::new().ok("families").stdout;
    for (name, _) in SMALL {
        assert!(listed.lines().any(|l| l.starts_with(&format!("{name}: "))), "{name}: {listed}");
    }
}

/// Numbers and categories, with a column that follows a category and one that is mostly 0.
#[test]
fn a_table_of_numbers_and_categories_is_learnt_in_its_own_terms() {
    let room = Room::new();
    let mut table = String::from("size,kind,weight,debt\n");
    for i in 0..600 {
        let (kind, weight) = [("ant", 1.0), ("bee", 2.0), ("cow", 900.0)][i % 3];
        let size = weight + (i % 31) as f64 / 10.0;
        let debt = if i % 4 == 0 { i } else { 0 };
        table += &format!("{size},{kind},{},{debt}\n", weight * 2.0 + (i % 29) as f64);
    }
    room.write("animals.csv", table);
    let settings = TINY.replace("--steps 20", "--steps 150");
    room.ok(&format!("train vae --data csv:animals.csv --out run {settings}"));
    let config = room.json_file("run/model/config.json");
    let columns = serde_json::json!(["number", {"category": 3}, "number", {"spiked": 1}]);
    assert_eq!(config["decoder"]["columns"]["columns"], columns);
    room.ok("sample run -n 200 --out s.csv");
    let drawn = room.text("s.csv");
    assert_eq!(drawn.lines().next(), Some("size,kind,weight,debt"));
    let kinds = ["ant", "bee", "cow"];
    let mut none = 0;
    for line in drawn.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        assert!(kinds.contains(&cells[1]), "{line}");
        let debt: u32 = cells[3].parse().unwrap_or_else(|_| panic!("{line}: a whole number"));
        none += usize::from(debt == 0);
    }
    // Three rows of four have none.
    assert!((100..190).contains(&none), "{none} of 200 without debt");
    room.ok("score run --data csv:animals.csv --draws 4");
}
