//! `pyrogen inpaint`

use burn::tensor::{Tensor, TensorData};
use pyrogen::core::{Condition, Examples, Noise, Seed};
use pyrogen::data::{Layout, read_matrix};
use serde_json::json;

use crate::args::{Hidden, InpaintArgs};
use crate::error::CliError;
use crate::output::{Form, print_json, print_line, write_examples};
use crate::session::{Session, first, host};

/// Fills in hidden parts of examples: one line each, with the original, what is given, and the
/// candidates.
pub fn run(args: InpaintArgs) -> Result<(), CliError> {
    if args.n == 0 || args.candidates == 0 {
        return Err(CliError::Usage("-n and --candidates must be at least 1".into()));
    }
    let (mut session, data) = Session::with_data(&args.target)?;
    session.model.steer(&args.steer.steering())?;
    let layout = session.preparation.layout().clone();
    Form::of(&args.out, &layout)?;
    let mask = mask(&args, &layout)?;
    let width: usize = session.model.event_shape().iter().product();
    if mask.len() != width {
        return Err(CliError::Usage(format!(
            "the mask has {} values, an example has {width} as the model sees it",
            mask.len()
        )));
    }
    let data = session.prepare(first(data.data(), args.n))?;
    let n = data.len();
    let noise = Noise::new(Seed(args.target.seed)).fork("inpaint");
    let (x, condition) = session.batch(&data, 0..n, &noise)?;
    let mask: Tensor<2> = Tensor::from_data(TensorData::new(mask, [1, width]), &session.device);
    let given = session.raw(&host(x.clone() * mask.clone()));
    let mut columns = vec![session.raw(&host(x.clone())), given];
    for candidate in 0..args.candidates {
        let mut noise = noise.fork_index(candidate as u64);
        let filled = fill(&session, &args, x.clone(), mask.clone(), &condition, &mut noise)?;
        columns.push(session.raw(&host(filled)));
    }
    let line = layout.width();
    let rows =
        (0..n).flat_map(|i| columns.iter().flat_map(move |c| c[i * line..(i + 1) * line].to_vec()));
    let raw: Vec<f32> = rows.collect();
    write_examples(&args.out, &raw, None, &layout, columns.len())?;
    if args.json.json {
        let candidates = args.candidates;
        return print_json(&json!({"n": n, "candidates": candidates, "out": args.out}));
    }
    print_line(&format!(
        "{n} examples with {} candidates in {}",
        args.candidates,
        args.out.display()
    ))
}

fn fill(
    session: &Session,
    args: &InpaintArgs,
    x: Tensor<2>,
    mask: Tensor<2>,
    condition: &Condition,
    noise: &mut Noise,
) -> Result<Tensor<2>, CliError> {
    let filled = session.model.fill(x, mask, args.repeats, condition, noise);
    filled
        .unwrap_or_else(|| Err(session.cannot("inpaint", "it does not remove noise step by step")))
}

/// 1 where the example is given, 0 where it is to be filled in.
fn mask(args: &InpaintArgs, layout: &Layout) -> Result<Vec<f32>, CliError> {
    if let Some(path) = &args.mask {
        let values = read_matrix(path)?.values;
        if let Some(wrong) = values.iter().find(|v| **v != 0.0 && **v != 1.0) {
            return Err(CliError::Failed(format!(
                "{}: a mask holds 1 (given) and 0 (to be filled in), not {wrong}",
                path.display()
            )));
        }
        return Ok(values.iter().map(|&v| v as f32).collect());
    }
    let [channels, height, width] = layout.event[..] else {
        return Err(CliError::Usage("--hide is for pictures; give --mask FILE.csv".into()));
    };
    let hidden = |i: usize, j: usize| match args.hide {
        Hidden::Lower => i >= height / 2,
        Hidden::Upper => i < height / 2,
        Hidden::Left => j < width / 2,
        Hidden::Right => j >= width / 2,
        Hidden::Centre => {
            let middle = |at: usize, side: usize| at >= side / 4 && at < side - side / 4;
            middle(i, height) && middle(j, width)
        }
    };
    let places = (0..channels * height * width).map(|k| (k / width % height, k % width));
    Ok(places.map(|(i, j)| if hidden(i, j) { 0.0 } else { 1.0 }).collect())
}
