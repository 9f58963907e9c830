//! Headlines from a Markov chain that copy none of those that it has learnt from.
//!
//! ```text
//! cargo run -p pyrogen-examples --example headlines
//! ```
//!
//! A chain of words repeats its source wherever it can. With the option `overlap` a headline with more
//! than so many words in a row from the source is drawn again; where every try copies, the error says
//! what was copied. Prints headlines without the rule and with it.

use std::error::Error;

use pyrogen::data::{Loaded, Text};
use pyrogen::prelude::*;

/// Made up for this example.
const HEADLINES: &str = "\
council votes to reopen the old railway bridge
council votes to close the old swimming pool
city opens new library after two years of work
city plans new tram line after years of debate
storm closes the harbour and the railway bridge
storm leaves thousands of homes without power
farmers ask for help after two years of drought
farmers welcome rain after a summer of drought
team wins the final after extra time
team loses the final after a goal in extra time
new museum opens in the old power station
new bridge opens after a summer of delays
scientists find water under the old quarry
scientists warn of drought after a dry winter
schools close as snow covers the city
schools reopen after a week of snow
museum returns paintings to the family of the artist
artist paints the old bridge in the colours of the city
tram drivers vote to strike over working hours
nurses vote to end the strike after a week of talks
mayor welcomes plans for the old power station
mayor warns of delays to the new tram line
hospital opens a new ward after two years of delays
museum of the sea opens in the old harbour
harbour plans a new line to the islands
ferry to the islands returns after the storm
library asks readers to return books after forty years
reader returns a book to the library after forty years
";

/// What the example makes.
pub struct Made {
    /// Headlines without a rule, and the ones that copy no more than three words in a row.
    pub headlines: [Vec<String>; 2],
    /// Why a rule that cannot be kept fails.
    pub reason: String,
}

/// The headlines that are learnt from.
pub fn source() -> Vec<&'static str> {
    HEADLINES.lines().collect()
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    run().map(|_| ())
}

/// Learns and draws.
pub fn run() -> Result<Made, Box<dyn Error>> {
    let data = Loaded::new(Data::Text(Text::new(source())));
    let (room, control) = (tempfile::tempdir()?, Control::new());
    let mut wish = Wish::into(room.path().join("run")).set("tokens=words").set("order=1");
    wish = wish.set("smoothing=none");
    (wish.partition.test, wish.partition.validation) = (0.0, 0.0);
    let run = pyrogen::train("markov", &data, &wish, &mut Quiet, &control)?;
    let model = run.open(&Device::flex())?;
    let lines = |request: Request| -> Result<Vec<String>, Box<dyn Error>> {
        match model.generate(8, &request.set("max_tokens", 20), &control)? {
            Data::Text(text) => Ok(text.documents().iter().map(ToString::to_string).collect()),
            _ => unreachable!("a model of text"),
        }
    };
    let free = lines(Request::seed(3))?;
    let own = lines(Request::seed(3).set("overlap", 3).set("tries", 1000))?;
    for (title, lines) in [("without a rule", &free), ("at most three words in a row", &own)] {
        println!("{title}:");
        for line in lines {
            let mark = if source().contains(&line.as_str()) { " (copied)" } else { "" };
            println!("  {line}{mark}");
        }
    }
    // No headline can do without a pair of words from the source.
    let reason = match lines(Request::seed(3).set("overlap", 1).set("tries", 20)) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    println!("at most one word in a row: {reason}");
    Ok(Made { headlines: [free, own], reason })
}
