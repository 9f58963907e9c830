//! Packs every published crate, as for publishing, and builds it from its package.

/// Crates that are not published.
const UNPUBLISHED: [&str; 3] = ["pyrogen-testkit", "pyrogen-examples", "xtask"];

/// Packs all published crates of the workspace.
pub fn all() -> Result<String, String> {
    let mut args = vec!["package", "--workspace", "--allow-dirty", "--locked", "--quiet"];
    for name in UNPUBLISHED {
        args.extend(["--exclude", name]);
    }
    crate::cargo(&args, false)?;
    Ok("every published crate packs and builds from its package".into())
}
