//! What an app does with models of three families: `app MODELS OUT`, where MODELS holds the folders
//! `vae`, `gan`, `diffusion-digits`, `table-vae` and the table `people.csv`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pyrogen::prelude::*;

fn main() -> Result<(), Error> {
    let mut folders = std::env::args_os().skip(1).map(PathBuf::from);
    match (folders.next(), folders.next()) {
        (Some(models), Some(out)) => run(&models, &out),
        _ => panic!("usage: app MODELS OUT"),
    }
}

pub fn run(models: &Path, out: &Path) -> Result<(), Error> {
    let (device, control) = (Device::flex(), Control::new());
    // Pictures of one class, by its name.
    for name in ["vae", "gan", "diffusion-digits"] {
        let model = pyrogen::open(models.join(name), &device)?;
        let class = model.about().classes.get(3).cloned();
        let request = Request { class, ..Request::seed(7) };
        model.generate(16, &request, &control)?.write(out.join(name).with_extension("png"))?;
    }

    // Rows in the units of the table.
    let rows = pyrogen::open(models.join("table-vae"), &device)?;
    rows.generate(100, &Request::seed(7), &control)?.write(out.join("rows.csv"))?;

    // A model of one's own table, and its most unusual rows.
    let data = pyrogen::read(&format!("csv:{}", models.join("people.csv").display()))?;
    let wish = Wish::into(out.join("run")).seed(3).steps(300);
    let mut last = 0;
    let mut watch = |event: &Event| {
        if let Event::Step { step, .. } = event {
            last = *step;
        }
        Flow::Continue
    };
    let model = pyrogen::train("vae", &data, &wish, &mut watch, &control)?.open(&device)?;
    let scores = model.rank(&data.data, &Request::seed(1), &control)?.scores;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    println!("{last} steps; unusual rows: {:?}", &order[..3]);
    data.data.select(&order[..3]).write(out.join("unusual.csv"))?;

    // A training that another thread ends; its state is kept.
    let stop = control.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        stop.cancel();
    });
    let wish = Wish::into(out.join("long")).steps(10_000_000);
    match pyrogen::train("vae", &data, &wish, &mut Quiet, &control) {
        Err(e) if e.kind() == ErrorKind::Cancelled => println!("cancelled; --resume goes on"),
        other => panic!("not cancelled: {other:?}"),
    }
    Ok(())
}
