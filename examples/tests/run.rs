//! Examples that run to their end, on small data and for few steps. `train_vae` is compiled, and
//! does what the tutorial's tests do.

use std::path::Path;

use pyrogen::data::{Recipe, Source, digits};
use pyrogen_examples::tables::customers;

#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/anomaly.rs"]
mod anomaly;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/augmentation.rs"]
mod augmentation;
#[path = "../examples/denoise.rs"]
mod denoise;
#[path = "../examples/inpaint.rs"]
mod inpaint;
#[path = "../examples/latent_arithmetic.rs"]
mod latent_arithmetic;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/load_and_sample.rs"]
mod load_and_sample;
#[path = "../examples/own_objective.rs"]
mod own_objective;
#[expect(dead_code, reason = "its main reads the arguments of the program")]
#[path = "../examples/synthetic_table.rs"]
mod synthetic_table;

/// In one test, because the examples write below the current folder, which a process has one of.
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
    for run in ["denoise", "inpaint"] {
        let page =
            std::fs::read_to_string(folder.path().join("runs").join(run).join("report.html"));
        assert!(page.expect(run).contains("PSNR"), "{run} has a report with its numbers");
    }
    for picture in [
        "latent-arithmetic/morphs.png",
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
    let recipe = Recipe::QuantileTable { spike: 0.05 };
    synthetic_table::run(&data, "returns", 200, &recipe, false, folder.path()).expect("rows");
    let made: Source =
        format!("csv:{}", folder.path().join("synthetic.csv").display()).parse().expect("a source");
    let made = made.load().expect("the table that was written");
    assert_eq!((made.len(), made.width()), (1080, 5));
    // Four rows of five spent nothing, and so it is in the generated ones, within ten points.
    let zeros = made.values().iter().skip(1).step_by(5).filter(|v| **v == 0.0).count();
    assert!((zeros as f64 / 1080.0 - 0.8).abs() < 0.1, "{zeros} of 1080");
    assert!(report(folder.path()).contains("Marginals"));
}
