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
