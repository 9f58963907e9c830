//! Anomalies are found: the line of the file, the columns that make a row unusual, a threshold.

use crate::common::Room;

/// Two hundred rows of three columns; the one of line 60 is far out in `b` alone.
fn rows() -> String {
    let mut text = String::from("a,b,c\n");
    for i in 0..200 {
        let b = if i == 58 { 4000.5 } else { f64::from(i * 7 % 31) / 4.0 };
        text += &format!("{},{b},{}\n", f64::from(i * 3 % 17) / 2.0, f64::from(i * 5 % 23) / 8.0);
    }
    text
}

#[test]
fn an_anomaly_has_its_line_its_columns_and_a_threshold() {
    let room = Room::new();
    room.write("rows.csv", rows());
    let set = "--set components=1 --test-share 0 --validation-share 0 --no-evaluate";
    room.ok(&format!("train gmm --data csv:rows.csv {set} --out run"));
    let of = "anomaly run --data csv:rows.csv --part all";
    let found = room.json(&format!("{of} --top 3 --contamination 0.01 --out ranks.csv --json"));
    let first = &found["anomalies"][0];
    assert_eq!(first["row"], 58);
    assert_eq!(first["origin"], "line 60");
    assert_eq!(first["cells"]["b"], "4000.5");
    assert_eq!(first["contributions"][0]["column"], "b");
    // The others are as ordinary as any: what they would gain is next to nothing beside it.
    let gain = |k: usize| first["contributions"][k]["value"].as_f64().unwrap_or(0.0);
    assert!(gain(0) > 50.0 && gain(1) < 0.1 * gain(0), "{first}");
    // A share of 0.01 of 200 rows is two; the third is on the other side.
    let beyond: Vec<bool> =
        (0..3).map(|k| found["anomalies"][k]["anomaly"].as_bool().unwrap()).collect();
    assert_eq!(beyond, [true, true, false]);
    assert_eq!(found["threshold"], found["anomalies"][1]["nats"]);
    let ranks = room.text("ranks.csv");
    assert!(ranks.starts_with("rank,row,nats,origin,anomaly\n1,58,"), "{ranks}");
    assert_eq!(ranks.matches(",true\n").count(), 2);

    // Of the held-out rows each has its own line: the cells are those of the file.
    room.ok(&format!("train gmm --data csv:rows.csv {} --out part", "--set components=1"));
    let held = room.json("anomaly part --data csv:rows.csv --top 5 --json");
    let lines: Vec<String> = rows().lines().map(str::to_string).collect();
    for one in held["anomalies"].as_array().unwrap() {
        let origin = one["origin"].as_str().unwrap();
        let line: usize = origin.trim_start_matches("line ").parse().unwrap();
        let cells = &one["cells"];
        let row = ["a", "b", "c"].map(|name| cells[name].as_str().unwrap().to_string()).join(",");
        assert_eq!(row, lines[line - 1], "{origin}");
    }

    room.refused(&format!("{of} --contamination 1.5"), 2, "above 0 and below 1");
}

/// Rows of 16 standard normal columns, and at the end the mean itself and a point that is far out.
fn normal_rows() -> String {
    use pyrogen::core::{Noise, Seed};

    let mut noise = Noise::new(Seed(3));
    let header: Vec<String> = (0..16).map(|j| format!("x{j}")).collect();
    let mut text = header.join(",") + "\n";
    for _ in 0..600 {
        let cells: Vec<String> = noise.normal_vec(16).iter().map(|v| format!("{v:.5}")).collect();
        text += &(cells.join(",") + "\n");
    }
    text + &vec!["0.00001"; 16].join(",") + "\n" + &vec!["2.50001"; 16].join(",") + "\n"
}

#[test]
fn the_mean_of_a_normal_distribution_is_probable_and_not_typical() {
    let room = Room::new();
    room.write("rows.csv", normal_rows());
    let set = "--set components=1 --test-share 0 --validation-share 0 --no-evaluate";
    room.ok(&format!("train gmm --data csv:rows.csv {set} --out run"));
    let pixels = "evaluate run --data csv:rows.csv --part all --embedding pixels";
    room.refused(pixels, 1, "`pixels` takes pictures");
    let of = "anomaly run --data csv:rows.csv --part all --top 602 --json";
    let rows = |by: &str| -> Vec<u64> {
        let found = room.json(&format!("{of} --by {by}"));
        let list = found["anomalies"].as_array().unwrap().iter();
        list.map(|one| one["row"].as_u64().unwrap()).collect()
    };
    let likelihood = rows("likelihood");
    assert_eq!((likelihood[0], likelihood[601]), (601, 600), "the mean is the most probable");
    let typical = rows("typicality");
    assert_eq!(typical[0], 601);
    // -log p is half a chi-square of 16: the mean is 8 nats from the entropy, 2.8 deviations.
    assert!(typical[..20].contains(&600), "{:?}", &typical[..20]);
    let found = room.json(&format!("{of} --by typicality"));
    // 8 ln(2 pi e) nats; 500 samples have an error of 0.13, and the fit widens by the far point.
    let entropy = found["kind"]["entropy"].as_f64().unwrap();
    let exact = 8.0 * (2.0 * std::f64::consts::PI * std::f64::consts::E).ln();
    assert!((entropy - exact).abs() < 1.0, "{entropy}, expected {exact}");
}

#[test]
fn the_place_that_makes_a_picture_unusual_is_named() {
    use pyrogen::data::{digits, write_npy};

    let room = Room::new();
    let digits = digits().subset(&(0..200).collect::<Vec<_>>());
    let mut values = digits.layout().to_unit(digits.values());
    // No digit reaches its corners.
    values[64 * 17 + 8 * 7] = 1.0;
    write_npy(&room.path("d.npy"), &values, &[200, 1, 8, 8]).unwrap();
    let set = r#"--set network={"mlp":{"hidden":[16],"activation":"relu"}} --set latents=2 --steps 200 --no-evaluate --test-share 0 --validation-share 0"#;
    room.ok(&format!("train vae --data npy:d.npy --out run {set}"));
    let of = "anomaly run --data npy:d.npy --part all --top 1 --draws 16 --json";
    let found = room.json(&format!("{of} --places"));
    let first = &found["anomalies"][0];
    assert_eq!(first["row"], 17, "{first}");
    assert_eq!(first["contributions"][0]["column"], "row 7 column 0", "{first}");
    assert!(room.json(of)["anomalies"][0]["contributions"].is_null());
}
