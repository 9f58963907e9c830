//! `pyrogen assign`

use pyrogen::Request;
use pyrogen::core::folder::write_file;
use pyrogen::model::{Assignment, Registry};
use serde_json::{Map, json};

use crate::args::AssignArgs;
use crate::door::{set_options, with_data};
use crate::error::CliError;
use crate::output::{csv_cell, expect_ending, make_parent, print_json, print_line};
use crate::progress::control;

/// Says which component, state or topic items belong to.
pub fn run(registry: &Registry, args: AssignArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        expect_ending(path, &["csv"])?;
    }
    let (model, data) = with_data(registry, &args.target)?;
    let request = set_options(Request::seed(args.target.seed), &args.option)?;
    let assignment = model.assign(&data, &request, &control())?;
    if let Some(path) = &args.out {
        make_parent(path)?;
        write_file(path, table(&assignment).as_bytes())?;
    }
    let counts = counts(&assignment);
    let places: u64 = counts.iter().sum();
    let share = |count: u64| count as f64 / (places as f64).max(1.0);
    if args.json.json {
        let named = assignment.names.iter().zip(&counts);
        let shares: Map<_, _> =
            named.map(|(name, &count)| (name.clone(), json!(share(count)))).collect();
        return print_json(&json!({
            "what": assignment.what,
            "names": assignment.names,
            "n": assignment.assigned.len(),
            "shares": shares,
            "assigned": assignment.assigned,
        }));
    }
    for (name, &count) in assignment.names.iter().zip(&counts) {
        print_line(&format!(
            "{} {name}: {count} ({:.1} %)",
            assignment.what,
            100.0 * share(count)
        ))?;
    }
    let items = assignment.assigned.len() as u64;
    match items == places {
        true => print_line(&format!("items: {items}")),
        false => print_line(&format!("items: {items}, of {places} places")),
    }
}

/// How often each name was assigned.
fn counts(assignment: &Assignment) -> Vec<u64> {
    let mut counts = vec![0; assignment.names.len()];
    for &k in assignment.assigned.iter().flatten() {
        counts[k as usize] += 1;
    }
    counts
}

/// A row an item, or a row a step where an item has several.
fn table(assignment: &Assignment) -> String {
    let names = &assignment.names;
    let steps = assignment.assigned.iter().any(|item| item.len() != 1);
    let mut text = String::from(if steps { "item,step," } else { "item," });
    text += &csv_cell(&assignment.what);
    if !assignment.probabilities.is_empty() {
        names.iter().for_each(|name| text += &format!(",{}", csv_cell(&format!("p_{name}"))));
    }
    text.push('\n');
    for (i, item) in assignment.assigned.iter().enumerate() {
        for (t, &k) in item.iter().enumerate() {
            text += &if steps { format!("{i},{t},") } else { format!("{i},") };
            text += &csv_cell(&names[k as usize]);
            let probabilities = assignment.probabilities.get(i);
            let own = probabilities.and_then(|p| p.get(t * names.len()..(t + 1) * names.len()));
            own.unwrap_or(&[]).iter().for_each(|p| text += &format!(",{p}"));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(assigned: Vec<Vec<u32>>, probabilities: Vec<Vec<f64>>) -> Assignment {
        let names = vec!["low".into(), "high, or so".into()];
        Assignment { what: "state".into(), names, assigned, probabilities }
    }

    #[test]
    fn a_row_an_item_or_a_step() {
        let items = assignment(vec![vec![1], vec![0]], vec![vec![0.25, 0.75], vec![1.0, 0.0]]);
        let expected =
            "item,state,p_low,\"p_high, or so\"\n0,\"high, or so\",0.25,0.75\n1,low,1,0\n";
        assert_eq!(table(&items), expected);
        let steps = assignment(vec![vec![1, 0], vec![]], vec![]);
        assert_eq!(table(&steps), "item,step,state\n0,0,\"high, or so\"\n0,1,low\n");
        assert_eq!(counts(&steps), [1, 1]);
    }
}
