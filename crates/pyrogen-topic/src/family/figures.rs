//! Pictures of the topics.

use std::fmt::Write as _;

use pyrogen_data::Data;
use pyrogen_model::{Error, Figure};

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
    let mut svg = open();
    for (k, (&point, name)) in points.iter().zip(model.topic_names()).enumerate() {
        let radius = 40.0 * seen.overall[k].sqrt() + 2.0;
        let (x, y, colour) = (x(point), y(point), colour(k));
        let _ = write!(
            svg,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" fill="{colour}" fill-opacity="0.5"/>"#
        );
        label(&mut svg, (x, y + 4.0), "middle", &name);
    }
    svg.push_str("</svg>");
    let caption = "Topics by the words they have; the area is a topic's share of all words".into();
    Figure { name: "topic_map".into(), caption, svg }
}

fn by_class(model: &LdaModel, names: &[String], shares: &[Vec<f64>], overall: &[f64]) -> Figure {
    let topics = model.topic_names();
    let mut order: Vec<usize> = (0..topics.len()).collect();
    order.sort_by(|a, b| overall[*b].total_cmp(&overall[*a]));
    order.truncate(DRAWN);
    let right = WIDTH - 220.0;
    let step = (right - EDGE) / names.len().max(1) as f64;
    let mut svg = open();
    for (i, row) in shares.iter().enumerate() {
        let x = EDGE + step * i as f64;
        let mut top = HEIGHT - EDGE;
        let parts = order.iter().map(|&k| (row[k], colour(k)));
        let rest = (row.iter().sum::<f64>() - order.iter().map(|&k| row[k]).sum::<f64>()).max(0.0);
        for (share, colour) in parts.chain([(rest, "#cccccc".to_string())]) {
            let height = share * (HEIGHT - 2.0 * EDGE);
            top -= height;
            let _ = write!(
                svg,
                r#"<rect x="{x:.2}" y="{top:.2}" width="{:.2}" height="{height:.2}" fill="{colour}"/>"#,
                (step * 0.96).max(step - 2.0)
            );
        }
    }
    // At most some ten names below the bars.
    let every = names.len().div_ceil(10).max(1);
    for (i, name) in names.iter().enumerate().step_by(every) {
        let x = EDGE + step * (i as f64 + 0.5);
        label(&mut svg, (x, HEIGHT - EDGE + 18.0), "middle", name);
    }
    for (line, &k) in order.iter().enumerate() {
        let y = EDGE + 22.0 * line as f64;
        let colour = colour(k);
        let _ = write!(
            svg,
            r#"<rect x="{:.0}" y="{y:.0}" width="12" height="12" fill="{colour}"/>"#,
            right + 12.0
        );
        label(&mut svg, (right + 30.0, y + 11.0), "start", &topics[k]);
    }
    svg.push_str("</svg>");
    let caption = "The shares of topics in the words of each class; the rest is grey".into();
    Figure { name: "topics_by_class".into(), caption, svg }
}

fn open() -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
    )
}

/// Hues a golden section of the circle apart, so that neighbours differ.
fn colour(k: usize) -> String {
    let hue = (k as f64 * 222.5) % 360.0;
    format!("hsl({hue:.0},55%,{}%)", 45 + 10 * (k % 3))
}

fn label(svg: &mut String, at: (f64, f64), anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = write!(
        svg,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}">{text}</text>"#,
        at.0, at.1
    );
}
