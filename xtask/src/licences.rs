//! Licences of all dependencies, from cargo's own metadata: needs no network.
//!
//! The list of allowed licences is the one of `deny.toml`, so that this check and cargo-deny's say
//! the same.

use std::collections::BTreeSet;

use serde_json::Value;
use spdx::{Expression, LicenseItem};

/// Packages that name a licence file and no expression: read by hand, with the version they hold for.
const READ_BY_HAND: [(&str, &str); 1] = [("cfg_block 0.1.1", "Apache-2.0")];

/// Checks every package that a build on any platform may use.
pub fn check() -> Result<String, String> {
    let text = crate::cargo(&["metadata", "--format-version=1", "--locked"], true)?;
    let metadata: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let allowed = allowed()?;
    let used: BTreeSet<&str> = array(&metadata["resolve"]["nodes"])
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    let mut bad = Vec::new();
    let mut count = 0;
    for package in array(&metadata["packages"]) {
        if !package["id"].as_str().is_some_and(|id| used.contains(id)) {
            continue;
        }
        count += 1;
        let name = format!("{} {}", text_of(&package["name"]), text_of(&package["version"]));
        let by_hand = READ_BY_HAND.iter().find(|(package, _)| *package == name);
        match package["license"].as_str().or(by_hand.map(|(_, licence)| *licence)) {
            None => bad.push(format!("{name}: names no licence")),
            Some(licence) if !accepts(licence, &allowed) => bad.push(format!("{name}: {licence}")),
            Some(_) => {}
        }
    }
    match bad.is_empty() {
        true => Ok(format!("licences of {count} packages are allowed")),
        false => Err(format!("licences that deny.toml does not allow:\n  {}", bad.join("\n  "))),
    }
}

/// The `allow` list of `deny.toml`.
fn allowed() -> Result<BTreeSet<String>, String> {
    let text = std::fs::read_to_string("deny.toml").map_err(|e| format!("deny.toml: {e}"))?;
    let list = text
        .split_once("allow = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .ok_or("deny.toml: no list `allow`")?
        .0;
    Ok(list.split('"').skip(1).step_by(2).map(String::from).collect())
}

fn accepts(licence: &str, allowed: &BTreeSet<String>) -> bool {
    // Old packages write "MIT/Apache-2.0".
    let Ok(expression) = Expression::parse(&licence.replace('/', " OR ")) else { return false };
    expression.evaluate(|req| {
        let name = match &req.license {
            LicenseItem::Spdx { id, .. } => id.name.to_string(),
            other => other.to_string(),
        };
        match &req.addition {
            Some(exception) => allowed.contains(&format!("{name} WITH {exception}")),
            None => allowed.contains(&name),
        }
    })
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn expressions() {
        let allowed =
            ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(String::from).into();
        for good in
            ["MIT", "MIT/Apache-2.0", "GPL-3.0-only OR MIT", "Apache-2.0 WITH LLVM-exception"]
        {
            assert!(accepts(good, &allowed), "{good}");
        }
        for bad in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "no licence at all"] {
            assert!(!accepts(bad, &allowed), "{bad}");
        }
    }
}
