//! Pictures of the topics.

use pyrogen_data::Data;
use pyrogen_model::drawing::{Anchor, Drawing};
use pyrogen_model::{Error, Figure, drawing};

use super::findings::Seen;
use super::model::LdaModel;
use crate::topic_map;

/// Size of a picture, and the space around what is drawn.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
const EDGE: f64 = 50.0;

/// Topics with a colour of their own where shares are drawn over classes; the rest is grey.
const DRAWN: usize = 10;

/// A map of the topics; with classes their shares in each.
pub(super) fn all(model: &LdaModel, data: &Data) -> Result<Vec<Figure>, Error> {
    let seen = Seen::new(model, data)?;
    let mut figures = vec![map(model, &seen)];
    if let Some((names, shares)) = seen.by_class(data) {
        figures.push(by_class(model, &names, &shares, &seen.overall));
    }
    Ok(figures)
}

fn map(model: &LdaModel, seen: &Seen) -> Figure {
    let points = topic_map(&model.topics);
    let reach = |axis: usize| points.iter().map(|p| p[axis].abs()).fold(1e-9, f64::max);
    let reach = reach(0).max(reach(1));
    let x = |p: [f64; 2]| WIDTH / 2.0 + p[0] / reach * (WIDTH / 2.0 - EDGE);
    let y = |p: [f64; 2]| HEIGHT / 2.0 - p[1] / reach * (HEIGHT / 2.0 - EDGE);
    let mut picture = Drawing::new(WIDTH, HEIGHT);
    for (k, (&point, name)) in points.iter().zip(model.topic_names()).enumerate() {
        let radius = 40.0 * seen.overall[k].sqrt() + 2.0;
        let (x, y) = (x(point), y(point));
        picture.circle((x, y), radius, &colour(k));
        picture.text((x, y + 4.0), Anchor::Middle, &name);
    }
    let caption = "Topics by the words they have; the area is a topic's share of all words";
    picture.figure("topic_map", caption.into())
}

fn by_class(model: &LdaModel, names: &[String], shares: &[Vec<f64>], overall: &[f64]) -> Figure {
    let topics = model.topic_names();
    let mut order: Vec<usize> = (0..topics.len()).collect();
    order.sort_by(|a, b| overall[*b].total_cmp(&overall[*a]));
    order.truncate(DRAWN);
    let right = WIDTH - 220.0;
    let step = (right - EDGE) / names.len().max(1) as f64;
    let mut picture = Drawing::new(WIDTH, HEIGHT);
    for (i, row) in shares.iter().enumerate() {
        let x = EDGE + step * i as f64;
        let mut top = HEIGHT - EDGE;
        let parts = order.iter().map(|&k| (row[k], colour(k)));
        let rest = (row.iter().sum::<f64>() - order.iter().map(|&k| row[k]).sum::<f64>()).max(0.0);
        for (share, colour) in parts.chain([(rest, "#cccccc".to_string())]) {
            let height = share * (HEIGHT - 2.0 * EDGE);
            top -= height;
            let width = (step * 0.96).max(step - 2.0);
            picture.rectangle((x, top), (width, height), &colour);
        }
    }
    // At most some ten names below the bars.
    let every = names.len().div_ceil(10).max(1);
    for (i, name) in names.iter().enumerate().step_by(every) {
        let x = EDGE + step * (i as f64 + 0.5);
        picture.text((x, HEIGHT - EDGE + 18.0), Anchor::Middle, name);
    }
    for (line, &k) in order.iter().enumerate() {
        let y = EDGE + 22.0 * line as f64;
        picture.rectangle((right + 12.0, y), (12.0, 12.0), &colour(k));
        picture.text((right + 30.0, y + 11.0), Anchor::Start, &topics[k]);
    }
    let caption = "The shares of topics in the words of each class; the rest is grey";
    picture.figure("topics_by_class", caption.into())
}

fn colour(k: usize) -> String {
    drawing::colour(k, 45 + 10 * (k % 3))
}
