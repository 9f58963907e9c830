//! GANs through every command: it works, or one line says why not.

use crate::common::{Room, TINY};

/// A model so small that it is trained in a second.
const SMALL: &str = "--set networks={\"dcgan\":{\"channels\":[4,8]}} --set latents=4 --steps 12 \
                     --monitor-every 6 --set players.monitor.samples=60 --no-evaluate";

#[test]
fn a_gan_serves_the_commands() {
    let room = Room::new();
    room.ok(&format!("train gan --data digits --out g --set classes=10 {SMALL}"));
    let rows = room.text("g/monitor.csv");
    assert_eq!(rows.lines().count(), 3, "{rows}");
    assert!(room.text("g/report.html").contains("Collapse monitor"));
    assert!(room.text("g/metrics.csv").starts_with("part,step,epoch,discriminator.loss,"));
    room.ok("sample g -n 4 --out g/s.png");
    room.ok("sample g -n 2 --class 7 --temperature 0.5 --out g/7.csv");
    room.ok("sample g -n 2 --class 7 --out g/e.npy");
    let first = room.read("g/e.npy");
    room.ok("sample g -n 2 --class 7 --out g/e.npy");
    assert_eq!(first, room.read("g/e.npy"), "a seed gives the same samples");
    room.ok("interpolate g --data digits --from 1 --to 2 --steps 3 --out g/i.png");
    room.ok("reconstruct g --data digits -n 2 --out g/r.png");
    room.ok("traverse g --dims 0 --steps 3 --out g/t.png");
    let metrics = room.json("evaluate g --data digits --limit 20 --json");
    assert_eq!(metrics["likelihood"], serde_json::json!([]));
    assert!(metrics["metrics"].as_array().is_some_and(|m| m.len() > 2), "{metrics}");
    assert!(metrics.get("latent").is_none(), "an inverted latent is no posterior");
    room.refused(
        "score g --data digits",
        1,
        "a GAN has no likelihood: its anomaly score is the inversion error",
    );
}

/// A context alone chooses the networks.
#[test]
fn a_gan_reads_the_picture_that_is_its_context() {
    let room = Room::new();
    let small = "--steps 4 --set batch_size=8 --monitor-every 0 --no-evaluate";
    room.ok(&format!("train gan --data digits --context small:2 --out u {small}"));
    let model = room.json_file("u/model/config.json");
    assert_eq!(model["context"], serde_json::json!([1, 8, 8]));
    assert_eq!(model["networks"]["unet"]["channels"], serde_json::json!([32, 64]));
    assert_eq!(model["regularise"]["reconstruction"], 10.0);
    room.ok("upscale u --input digits -n 2 --candidates 3 --out u/u.png");
    room.refused("sample u --out u/s.png", 2, "(small:2): give --context");
    // Other networks are asked for as ever.
    let dense = "--set networks={\"mlp\":{}}";
    room.ok(&format!("train gan --data digits --context edges --out d {dense} {small}"));
    let model = room.json_file("d/model/config.json");
    assert!(model["networks"].get("mlp").is_some(), "{model}");
    let blind = "--set networks={\"dcgan\":{}}";
    room.refused(
        &format!("train gan --data digits --context edges --out n {blind} {small}"),
        2,
        "left out with `dcgan` (`unet` and `mlp` read one)",
    );
}

#[test]
fn anomalies_are_ranked_by_inversion() {
    let room = Room::new();
    room.ok(&format!("train gan --data toy:moons --out m --steps 10 --no-evaluate {TINY_MLP}"));
    room.write("points.csv", "x0,x1\n0.0,0.5\n1.0,0.0\n40.0,-40.0\n0.5,0.5\n0.3,0.2\n");
    let ranked = room.json("anomaly m --data csv:points.csv --top 2 --json --out ranks.csv");
    assert_eq!(ranked["kind"], "inversion error");
    assert_eq!(ranked["anomalies"][0]["row"], 2, "{ranked}");
    assert!(room.text("ranks.csv").starts_with("rank,row,error,origin\n1,2,"));
    assert_eq!(room.json("anomaly m --data csv:points.csv --top 2 --by inversion --json"), ranked);
    let line = "anomaly m --data csv:points.csv --by";
    room.refused(&format!("{line} typicality"), 2, "this model has the inversion error");
    room.refused(&format!("{line} likelihood"), 2, "--by likelihood needs a likelihood");
}

const TINY_MLP: &str = "--set networks={\"mlp\":{\"generator\":{\"hidden\":[8]},\
                        \"discriminator\":{\"hidden\":[8]}}} --set latents=2";

#[test]
fn a_collapse_can_stop_a_run_or_take_it_back() {
    let room = Room::new();
    // A threshold that nothing passes.
    let never = "--set players.monitor.thresholds.diversity=1e9 \
                 --set players.monitor.thresholds.settle=0 \
                 --set players.monitor.thresholds.readings=1";
    let small = SMALL.replace("--steps 12", "--steps 60");
    room.ok(&format!("train gan --data digits --out s --on-collapse stop {never} {small}"));
    assert!(room.text("s/events.jsonl").contains("\"sign\":\"diversity\""));
    assert!(room.text("s/events.jsonl").contains("\"step\":6,\"reason\":\"callback\""));
    let page = room.text("s/report.html");
    assert!(page.contains("step 6: diversity is "), "the report has the alarm");
    room.ok("sample s -n 2 --out s/s.png");
    room.ok(&format!("train gan --data digits --out b --on-collapse rollback {never} {small}"));
    let events = room.text("b/events.jsonl");
    assert_eq!(events.matches("\"event\":\"rollback\"").count(), 3, "{events}");
    assert!(room.text("b/report.html").contains("the run was taken back to step 0"));
}

/// Most rows are equal, and with this seed all held-out ones are: nothing to compare the diversity of samples with.
#[test]
fn a_monitor_that_cannot_read_warns_and_lets_the_run_go_on() {
    let room = Room::new();
    let rows: String = (0..200).map(|i| format!("{},0\n", u8::from(i % 50 == 0))).collect();
    room.write("counts.csv", format!("claims,amount\n{rows}"));
    let line = "train gan --data csv:counts.csv --out g --steps 4 --monitor-every 2 --seed 2";
    let said = room.ok(line).stderr;
    let warned = "the signs of collapse cannot be read: collapse: `held_out` must be different";
    assert!(said.contains(warned), "{said}");
    assert!(room.text("g/events.jsonl").contains("\"event\":\"unread\""));
    assert!(room.text("g/report.html").contains(warned.rsplit(": ").next().unwrap()));
}

#[test]
fn what_makes_no_sense_is_one_line() {
    let room = Room::new();
    for (line, says) in [
        (
            format!("train vae --data digits --out v --on-collapse stop {TINY}"),
            "--on-collapse is for families of two players, whose training can collapse",
        ),
        (
            "train diffusion --data digits --out d --monitor-every 5".to_string(),
            "--monitor-every is for families of two players",
        ),
        (
            "train gan --data digits --out g --on-collapse pray".to_string(),
            "`players.monitor.on_collapse` must be one of warn, stop, rollback, got pray",
        ),
        (
            format!("train gan --data digits --out g --set classes=1 {SMALL}"),
            "field `classes` must be at least 2",
        ),
        (
            format!("train gan --data digits --out g --set classes=4 {SMALL}"),
            "`model.classes` must be at least 10, the classes of the data, got 4",
        ),
        (
            format!("train gan --data digits --out g --set batch_size=1 {SMALL}"),
            "`batch_size` must be at least 2 for each worker",
        ),
        (
            "train gan --data digits --out g --set networks={\"dcgan\":{\"channels\":[4,4,4,4]}}"
                .to_string(),
            "networks.dcgan.channels",
        ),
        (
            format!("train gan --data digits --out g --set validation.patience=3 {SMALL}"),
            "`validation.patience` must be null for two players",
        ),
        (
            format!("train gan --data digits --out g --set players.discriminator_steps=0 {SMALL}"),
            "`players.discriminator_steps` must be at least 1",
        ),
    ] {
        room.refused(&line, 2, says);
    }
    assert!(!room.path("g").exists(), "nothing was begun");
}
