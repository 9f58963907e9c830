//! The picture of a table of rates and distortions.

use std::error::Error;

use pyrogen::core::RateDistortion;
use pyrogen::train::plot::rate_distortion;

/// Reads the first table of a chapter with the columns `method`, `rate` and `distortion`, and draws
/// its rows as an SVG; rows without numbers are left out.
///
/// # Errors
/// When there is no such table, or no row has numbers.
pub fn plane(chapter: &str) -> Result<String, Box<dyn Error>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|c| c.trim().replace('`', "")).collect()
    };
    let mut lines = chapter.lines().skip_while(|line| {
        let header = cells(line);
        !["method", "rate", "distortion"].iter().all(|name| header.iter().any(|h| h == name))
    });
    let header = cells(lines.next().ok_or("there is no table of rates and distortions")?);
    let place = |name: &str| header.iter().position(|h| h == name).unwrap_or(0);
    let (method, rate, distortion) = (place("method"), place("rate"), place("distortion"));
    let mut points = Vec::new();
    for row in lines.take_while(|line| line.starts_with('|')).map(cells) {
        if let (Ok(rate), Ok(distortion)) = (row[rate].parse(), row[distortion].parse()) {
            points.push((row[method].clone(), RateDistortion { examples: 0, rate, distortion }));
        }
    }
    let points: Vec<(&str, RateDistortion)> =
        points.iter().map(|(n, p)| (n.as_str(), *p)).collect();
    Ok(rate_distortion("Held-out digits: rate and distortion, lines of equal bound", &points)?)
}
