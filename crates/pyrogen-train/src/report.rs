//! The report: one HTML page that holds everything it shows.

use std::fmt::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pyrogen_core::folder::write_file;

use crate::error::TrainError;

/// A page that is built from top to bottom. Pictures and plots are inside the file: it can be
/// mailed or moved alone. Text is escaped.
#[derive(Debug, Clone)]
pub struct Report {
    title: String,
    body: String,
}

impl Report {
    /// An empty page.
    pub fn new(title: &str) -> Self {
        Self { title: title.to_string(), body: String::new() }
    }

    /// Starts a section.
    pub fn section(&mut self, heading: &str) -> &mut Self {
        self.push(format!("<h2>{}</h2>", escape(heading)))
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.push(format!("<p>{}</p>", escape(text)))
    }

    /// A warning that stands out.
    pub fn warning(&mut self, text: &str) -> &mut Self {
        self.push(format!("<p class=\"warning\">{}</p>", escape(text)))
    }

    /// Text as it is, in a fixed-width font.
    pub fn code(&mut self, text: &str) -> &mut Self {
        self.push(format!("<pre>{}</pre>", escape(text)))
    }

    /// A table; rows shorter than the header are filled with empty cells, and a header of empty
    /// cells is not shown.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<String>]) -> &mut Self {
        let mut html = String::from("<table>");
        if header.iter().any(|cell| !cell.is_empty()) {
            html += "<thead><tr>";
            for cell in header {
                let _ = write!(html, "<th>{}</th>", escape(cell));
            }
            html += "</tr></thead>";
        }
        html += "<tbody>";
        for row in rows {
            html += "<tr>";
            for i in 0..header.len() {
                let cell = row.get(i).map_or("", String::as_str);
                let _ = write!(html, "<td>{}</td>", escape(cell));
            }
            html += "</tr>";
        }
        self.push(html + "</tbody></table>")
    }

    /// Lines behind a heading that is opened by a click.
    pub fn fold(&mut self, heading: &str, lines: &[String]) -> &mut Self {
        let lines: String = lines.iter().map(|l| format!("<li>{}</li>", escape(l))).collect();
        let heading = escape(heading);
        self.push(format!("<details><summary>{heading}</summary><ul>{lines}</ul></details>"))
    }

    /// A PNG picture with a caption, shown without smoothing.
    pub fn picture(&mut self, png: &[u8], caption: &str) -> &mut Self {
        let data = STANDARD.encode(png);
        let caption = escape(caption);
        self.push(format!(
            "<figure><img alt=\"{caption}\" src=\"data:image/png;base64,{data}\">\
             <figcaption>{caption}</figcaption></figure>"
        ))
    }

    /// A plot that this crate drew, with a caption.
    pub fn plot(&mut self, svg: &str, caption: &str) -> &mut Self {
        let caption = escape(caption);
        self.push(format!("<figure>{svg}<figcaption>{caption}</figcaption></figure>"))
    }

    /// The page.
    pub fn html(&self) -> String {
        let title = escape(&self.title);
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n{}</body></html>\n",
            self.body
        )
    }

    /// Writes the page.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        Ok(write_file(path, self.html().as_bytes())?)
    }

    fn push(&mut self, html: String) -> &mut Self {
        self.body += &html;
        self.body.push('\n');
        self
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
    padding:0 1rem;color:#222;background:#fff}h1,h2{line-height:1.2}\
    table{border-collapse:collapse;display:block;overflow-x:auto}\
    th,td{border:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}\
    th{background:#f3f3f3}td:last-child{overflow-wrap:anywhere;min-width:14rem}\
    summary{cursor:pointer}details li{overflow-wrap:anywhere}\
    figure{margin:1rem 0}figcaption{color:#555;font-size:.9em}\
    img{image-rendering:pixelated;max-width:100%}svg{max-width:100%;height:auto}\
    pre{background:#f6f6f6;padding:.7rem;overflow-x:auto}\
    .warning{border-left:4px solid #c60;background:#fff4e5;padding:.5rem 1rem}";

/// Text as HTML and SVG have it.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_pictures_are_inside() {
        let mut report = Report::new("a <b>");
        report
            .section("s & t")
            .table(&["k", "v"], &[vec!["<script>".into()]])
            .fold("more & more", &["a < b".into()])
            .picture(b"png", "a \"picture\"");
        let html = report.html();
        assert!(html.contains("<title>a &lt;b&gt;</title>"));
        assert!(html.contains("<td>&lt;script&gt;</td><td></td>"));
        assert!(html.contains("<summary>more &amp; more</summary><ul><li>a &lt; b</li></ul>"));
        assert!(html.contains("src=\"data:image/png;base64,cG5n\""));
        assert!(!html.contains("<script>") && !html.contains("http"));
    }
}
