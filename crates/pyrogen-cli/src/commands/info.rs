//! `pyrogen info`

use pyrogen::core::config::to_value;
use pyrogen::core::folder::ModelFolder;
use serde_json::{Value, json};

use crate::args::DeviceName;
use crate::args::InfoArgs;
use crate::error::CliError;
use crate::output::{print_fields, print_json};
use crate::session::{Session, device};

/// Shows what a model folder says of itself; loads the weights to check them.
pub fn run(args: InfoArgs) -> Result<(), CliError> {
    let folder = ModelFolder::open(&args.model)?;
    let session = Session::open(&args.model, device(DeviceName::Flex)?)?;
    let config: Value = folder.config()?;
    let info = json!({
        "path": folder.path(),
        "parameters": session.model.parameters(),
        "event": session.preparation.layout().event,
        "classes": session.model.classes(),
        "card": to_value(folder.card()),
        "config": config,
    });
    if args.json.json {
        return print_json(&info);
    }
    print_fields(&info, "")?;
    Ok(())
}
