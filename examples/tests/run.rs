//! Examples that run to their end, on small data and for few steps. `train_vae` is compiled, and
//! does what the tutorial's tests do.

use std::error::Error;
use std::path::Path;

use pyrogen::data::{Bounds, Dataset, Recipe, Source, digits};
use pyrogen_examples::tables::{Maker, Synthesis, customers};

#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/anomaly.rs"]
mod anomaly;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../app/src/main.rs"]
mod app;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/augmentation.rs"]
mod augmentation;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/classifier_guidance.rs"]
mod classifier_guidance;
#[path = "../examples/denoise.rs"]
mod denoise;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/digits_by_label.rs"]
mod digits_by_label;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/edges.rs"]
mod edges;
#[path = "run/families.rs"]
mod families;
#[path = "../examples/first_model.rs"]
mod first_model;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/flow_densities.rs"]
mod flow_densities;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/flow_tables.rs"]
mod flow_tables;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/gan_latents.rs"]
mod gan_latents;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/gan_super_resolution.rs"]
mod gan_super_resolution;
#[expect(dead_code, reason = "its main prints, and the test reads what it finds")]
#[path = "../examples/headlines.rs"]
mod headlines;
#[expect(dead_code, reason = "its main prints, and the test reads what it finds")]
#[path = "../examples/holes.rs"]
mod holes;
#[path = "../examples/inpaint.rs"]
mod inpaint;
#[path = "../examples/latent_arithmetic.rs"]
mod latent_arithmetic;
#[expect(dead_code, reason = "its main trains for longer")]
#[path = "../examples/latent_diffusion.rs"]
mod latent_diffusion;
#[expect(dead_code, reason = "its main prints, and the test reads what it finds")]
#[path = "../examples/latent_flow.rs"]
mod latent_flow;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/load_and_sample.rs"]
mod load_and_sample;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/lower_half.rs"]
mod lower_half;
#[path = "../examples/own_objective.rs"]
mod own_objective;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/pix2pix.rs"]
mod pix2pix;
#[expect(dead_code, reason = "its main prints, and the test reads what it finds")]
#[path = "../examples/regimes.rs"]
mod regimes;
#[expect(dead_code, reason = "its main prints, and the test reads what it finds")]
#[path = "../examples/returns.rs"]
mod returns;
#[expect(dead_code, reason = "its main prints, and the test reads what it finds")]
#[path = "../examples/scenarios.rs"]
mod scenarios;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/super_resolution.rs"]
mod super_resolution;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/synthetic_table.rs"]
mod synthetic_table;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/toy_flow.rs"]
mod toy_flow;

/// In one test, because the examples write below the current folder, which a process has one of.
#[test]
fn a_program_of_a_user_runs() -> Result<(), Box<dyn Error>> {
    let models =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/pyrogen/tests/fixtures/format-1");
    let out = tempfile::tempdir()?;
    app::run(&models, out.path())?;
    for file in ["vae.png", "gan.png", "diffusion-digits.png", "rows.csv", "unusual.csv"] {
        assert!(out.path().join(file).is_file(), "{file}");
    }
    Ok(())
}

#[test]
fn the_tutorial_runs() -> Result<(), Box<dyn Error>> {
    first_model::main()
}

#[test]
fn examples_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::env::set_current_dir(folder.path()).expect("it exists");
    // Checks its trained model against the closed form.
    own_objective::main().expect("own_objective");
    latent_arithmetic::main().expect("latent_arithmetic");
    load_and_sample::run(None).expect("load_and_sample");
    denoise::main().expect("denoise");
    inpaint::main().expect("inpaint");
    latent_diffusion::run(50, Path::new("runs/latent-diffusion.png")).expect("latent_diffusion");
    for run in ["denoise", "inpaint"] {
        let page =
            std::fs::read_to_string(folder.path().join("runs").join(run).join("report.html"));
        assert!(page.expect(run).contains("PSNR"), "{run} has a report with its numbers");
    }
    for picture in [
        "latent-arithmetic/morphs.png",
        "latent-diffusion.png",
        "load-and-sample.png",
        "denoise/restored.png",
        "inpaint/restored.png",
    ] {
        let png = std::fs::read(folder.path().join("runs").join(picture)).expect(picture);
        assert!(png.starts_with(b"\x89PNG"), "{picture} is a PNG file");
    }
}

fn report(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("report.html")).expect("a report")
}

/// The numbers of a row of a table of the form `name,number,...`.
fn row(csv: &str, name: &str) -> Vec<f64> {
    let line = csv.lines().find(|l| l.starts_with(name)).expect(name);
    line.split(',').skip(1).map(|cell| cell.parse().expect("a number")).collect()
}

#[test]
fn anomalies_are_found() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    anomaly::run(&digits(), "digits", 60, folder.path()).expect("anomaly");
    let csv = std::fs::read_to_string(folder.path().join("auroc.csv")).expect("a table");
    assert_eq!(csv.lines().count(), 12, "a header, ten digits, a mean");
    let mean = row(&csv, "mean");
    // 0.5 is guessing. 360 test examples, 36 of them unseen, ten digits: a standard error of 0.02.
    assert!(mean.iter().all(|area| *area > 0.6 && *area < 1.0), "{csv}");
    assert!(report(folder.path()).contains("data:image/png"));
}

#[test]
fn augmentation_is_compared() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    augmentation::run(&digits(), "digits", &[1], 100, folder.path()).expect("augmentation");
    let csv = std::fs::read_to_string(folder.path().join("accuracy.csv")).expect("a table");
    // In per cent; guessing is 10.
    assert!(row(&csv, "1,").iter().all(|accuracy| *accuracy > 50.0 && *accuracy <= 100.0), "{csv}");
    assert!(report(folder.path()).contains("Generated with seed 1"));
}

#[test]
fn rows_of_a_table_are_generated() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("customers.csv");
    std::fs::write(&path, customers(1500, pyrogen::core::Seed(1))).expect("it is writable");
    let source: Source = format!("csv:{}", path.display()).parse().expect("a source");
    let data = source.load().expect("a table");
    for maker in [Maker::Vae, Maker::Diffusion, Maker::Flow] {
        let recipe = Recipe::QuantileTable { spike: 0.05, bounds: Bounds::Tails };
        let how = Synthesis { maker, recipe, steps: 200, seed: pyrogen::core::Seed(1) };
        synthetic_table::run(&data, "returns", &how, false, folder.path()).expect("rows");
        let made = folder.path().join("synthetic.csv");
        let made: Source = format!("csv:{}", made.display()).parse().expect("a source");
        let made = made.load().expect("the table that was written");
        assert_eq!((made.len(), made.width()), (1080, 5), "{maker:?}");
        // Four rows of five spent nothing, and so it is in the generated ones, within ten points.
        let zeros = made.values().iter().skip(1).step_by(5).filter(|v| **v == 0.0).count();
        assert!((zeros as f64 / 1080.0 - 0.8).abs() < 0.1, "{maker:?}: {zeros} of 1080");
        assert!(report(folder.path()).contains("Marginals"));
    }
}

/// For so few steps that the numbers say little.
#[test]
fn latents_of_a_gan_are_moved() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    gan_latents::run(300, folder.path()).expect("gan_latents");
    for picture in ["inverted", "morphs", "classes", "leaning"] {
        let png = std::fs::read(folder.path().join(format!("{picture}.png"))).expect(picture);
        assert!(png.starts_with(b"\x89PNG"), "{picture}");
    }
    assert!(report(folder.path()).contains("inversion of 359 held-out digits"));
}

/// The examples of models that make pictures from pictures, for so few steps that the numbers say
/// little.
#[test]
fn pictures_are_painted() {
    const STEPS: u64 = 30;
    let digits = digits();
    type Example = fn(&Dataset, &str, u64, &Path) -> Result<(), Box<dyn Error>>;
    let examples: [(&str, Example, &str); 7] = [
        ("digits_by_label", digits_by_label::run, "guidance 4"),
        ("classifier_guidance", classifier_guidance::run, "a line a digit"),
        ("lower_half", lower_half::run, "RePaint, one candidate"),
        ("edges", edges::run, "context off by"),
        (
            "super_resolution",
            |data, name, steps, to| super_resolution::run(data, name, 2, steps, to),
            "context off by",
        ),
        (
            "gan_super_resolution",
            |data, name, steps, to| gan_super_resolution::run(data, name, 2, steps, to),
            "cubic convolution",
        ),
        ("pix2pix", pix2pix::run, "two originals are"),
    ];
    for (name, run, says) in examples {
        let folder = tempfile::tempdir().expect("a temporary folder");
        run(&digits, "digits", STEPS, folder.path()).expect(name);
        let png = std::fs::read(folder.path().join("pictures.png")).expect(name);
        assert!(png.starts_with(b"\x89PNG"), "{name}");
        assert!(report(folder.path()).contains(says), "{name}");
    }
}

#[test]
fn normalizing_flows_on_the_plane_are_scored() {
    flow_densities::run(3, 50, Some("nice")).expect("flow_densities");
}

#[test]
fn flows_of_tables_are_scored() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (part, rows) in [("train", 60), ("valid", 20), ("test", 20)] {
        let mut noise = pyrogen::core::Noise::new(pyrogen::core::Seed(1)).fork(part);
        let values: Vec<f32> = noise.normal_vec(3 * rows).into_iter().map(|v| v as f32).collect();
        let path = folder.path().join(format!("{part}.npy"));
        pyrogen::data::write_npy(&path, &values, &[rows, 3]).expect("an array");
    }
    flow_tables::run(folder.path(), "small", "maf", 3, pyrogen::core::Seed(1))
        .expect("flow_tables");
    let refused = flow_tables::run(folder.path(), "small", "gmm", 3, pyrogen::core::Seed(1))
        .expect_err("no flow");
    assert!(refused.to_string().contains("maf, nsf"), "{refused}");
}

/// After few steps: a flow prior is ahead of the standard normal one, and nothing is above the truth.
#[test]
fn flows_over_latents_raise_the_bound() {
    let found = latent_flow::run(250).expect("latent_flow");
    assert!(found.prior[0] > found.standard[0] - 0.05, "{found:?}");
    assert!(found.prior[1] > found.standard[1] - 0.05, "{found:?}");
    assert!(found.both[0] > found.standard[0] - 0.1, "{found:?}");
    // The mean over 2,000 points has a standard error of 0.03.
    assert!(
        [found.standard, found.prior, found.both]
            .iter()
            .all(|[b, e]| b < e && *e < found.truth + 0.1)
    );
    assert!(found.near[1] > found.near[0] - 0.05, "{found:?}");
}

#[test]
fn heavy_tails_of_returns_are_found() {
    let found = returns::run(300, 60_000).expect("returns");
    let off = |quantiles: [f64; 3], k: usize| (quantiles[k] / found.truth[k] - 1.0).abs();
    assert!(found.truth.is_sorted_by(|a, b| a > b) && found.truth[0] < 0.0, "{found:?}");
    // Of 4,000 days 40 and 4 are below the quantiles: empirical ones have standard errors of 6 % and 17 %, three of
    // which are allowed here.
    assert!(off(found.flows[0], 0) < 0.18 && off(found.flows[0], 1) < 0.51, "{found:?}");
    // Normal tails end too early: at 0.1 % by more than a third, and ever more beyond.
    assert!(off(found.normal, 1) > 0.35 && off(found.normal, 2) > 0.6, "{found:?}");
    // Beyond the days the noise decides, and by default it is normal from five standard deviations on.
    assert!(off(found.flows[0], 2) < off(found.flows[1], 2), "{found:?}");
    assert!(found.flows[1][2] > 0.6 * found.truth[2], "{found:?}");
    assert_eq!(found.degrees.len(), 3, "of Student's noise alone");
}

#[test]
fn scenarios_are_drawn_and_rare_events_weighed() {
    let found = scenarios::run(300, 20_000).expect("scenarios");
    let [drawn, truth] = found.given;
    assert!(drawn.iter().zip(truth).all(|(a, b)| (a - b).abs() < 0.35), "{found:?}");
    assert!((found.stressed[0] - found.stressed[1]).abs() < 0.15, "{found:?}");
    let [weighted, plain] = &found.rare;
    // Both are means under one and the same flow.
    let error = weighted.error.hypot(plain.error);
    assert!((weighted.probability - plain.probability).abs() < 4.0 * error, "{found:?}");
    assert!(weighted.error < 0.6 * plain.error && weighted.effective > 200.0, "{found:?}");
    // 29 of 20,000 rows are expected to be such, with a standard deviation of 5.4: three of them are a factor of
    // 1.75. The flow is fitted to the rows, and no nearer to the truth than they are.
    let ratio = weighted.probability / found.truth;
    assert!((1.0 / 1.75..1.75).contains(&ratio), "{found:?}");
}

#[test]
fn flows_on_the_plane_are_scored() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    toy_flow::run(100, 20, folder.path()).expect("toy_flow");
    for toy in ["moons", "eight-gaussians", "checkerboard"] {
        assert!(folder.path().join(format!("{toy}.png")).exists(), "{toy}");
    }
    assert!(report(folder.path()).contains("-2.0794"), "the checkerboard's entropy is ln 8");
}

#[test]
fn regimes_are_found_and_scenarios_of_the_worst_lose_most() {
    let found = regimes::run().expect("regimes");
    // Guessing the most frequent regime is right on about half of the days.
    assert!(found.right > 0.9, "{}", found.right);
    let [stress, calm] = found.worst;
    assert!(stress < 2.0 * calm && stress < -10.0, "{stress} {calm}");
}

#[test]
fn hidden_cells_are_filled_in_better_than_by_means() {
    let found = holes::run().expect("holes");
    // The petals say most of each other: less than half of the mean's error. The sepals' width
    // depends least on the rest.
    assert!(found.errors.iter().all(|[own, mean]| *own < 0.9 * mean), "{:?}", found.errors);
    assert!(found.errors[2..].iter().all(|[own, mean]| *own < 0.5 * mean), "{:?}", found.errors);
    // Two groups, of which one is two species that overlap, hold two thirds of the species.
    assert!(found.pure > 0.66, "{}", found.pure);
}

#[test]
fn headlines_do_not_copy_and_failures_have_their_reason() {
    let made = headlines::run().expect("headlines");
    let source = headlines::source();
    let runs = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        words.windows(4).map(|run| format!(" {} ", run.join(" "))).collect::<Vec<_>>()
    };
    let stands = |run: &String| source.iter().any(|s| format!(" {s} ").contains(run));
    let copied = |line: &String| runs(line).iter().any(stands);
    assert!(made.headlines[0].iter().any(copied), "the chain copies where it may");
    assert!(!made.headlines[1].iter().any(copied), "{:?}", made.headlines[1]);
    assert!(made.reason.contains("copy more than 1 words"), "{}", made.reason);
}
