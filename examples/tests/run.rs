//! Examples that run to their end. The others are compiled, and do what the tutorial's tests do.

#[path = "../examples/denoise.rs"]
mod denoise;
#[path = "../examples/inpaint.rs"]
mod inpaint;
#[path = "../examples/latent_arithmetic.rs"]
mod latent_arithmetic;
#[path = "../examples/load_and_sample.rs"]
mod load_and_sample;
#[path = "../examples/own_objective.rs"]
mod own_objective;

/// In one test, because the examples write below the current folder, which a process has one of.
#[test]
fn examples_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::env::set_current_dir(folder.path()).expect("it exists");
    // Checks its trained model against the closed form.
    own_objective::main().expect("own_objective");
    latent_arithmetic::main().expect("latent_arithmetic");
    load_and_sample::main().expect("load_and_sample");
    denoise::main().expect("denoise");
    inpaint::main().expect("inpaint");
    for run in ["denoise", "inpaint"] {
        let page =
            std::fs::read_to_string(folder.path().join("runs").join(run).join("report.html"));
        assert!(page.expect(run).contains("PSNR"), "{run} has a report with its numbers");
    }
    for picture in [
        "latent-arithmetic.png",
        "load-and-sample.png",
        "denoise/restored.png",
        "inpaint/restored.png",
    ] {
        let png = std::fs::read(folder.path().join("runs").join(picture)).expect(picture);
        assert!(png.starts_with(b"\x89PNG"), "{picture} is a PNG file");
    }
}
