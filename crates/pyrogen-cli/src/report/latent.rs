//! Pictures of a latent space.

use pyrogen::Request;
use pyrogen::data::{Data, Modality};
use pyrogen::model::LatentKind;
use serde_json::Value;

use super::Page;
use crate::commands::latent::{Around, interleave, reconstructions, traversals};
use crate::error::CliError;

/// Latent dimensions that are shown at most.
const ROWS: usize = 10;

impl Page<'_> {
    pub fn latent_pictures(&mut self) -> Result<(), CliError> {
        let (Some(latent), Some(test)) = (self.model.can().latent.clone(), self.test) else {
            return Ok(());
        };
        let kind = latent.space().kind;
        if self.model.about().modality != Modality::Pictures || kind == LatentKind::Noise {
            return Ok(());
        }
        let n = 32.min(test.len());
        let (seed, control) = (self.seed.0, self.control);
        let (original, decoded) = reconstructions(self.model, test, n, seed, control)?;
        let grid = interleave(&original, &decoded, 16)?;
        self.page.section("Reconstructions");
        let caption = "Held-out examples, each row above its reconstructions";
        self.picture("samples/reconstructions.png", &grid, 16, caption)?;
        if latent.space().has_axes() {
            self.traversal(test)?;
        }
        Ok(())
    }

    /// The latent dimensions that say most about an item, as far as that is known.
    fn axes(&self, test: &Data) -> Result<Vec<usize>, CliError> {
        let request = Request::seed(self.seed.0);
        let findings = self.model.inspect(test, &request, self.control)?;
        let latent = findings.iter().find(|f| f.name == "latent").map(|f| &f.value);
        let dims = latent.and_then(|v| v["dimensions"].as_array()).cloned().unwrap_or_default();
        let index = |d: &Value| d["index"].as_u64().map(|i| i as usize);
        Ok(dims.iter().filter_map(index).take(ROWS).collect())
    }

    fn traversal(&mut self, test: &Data) -> Result<(), CliError> {
        let dims = self.axes(test)?;
        let (steps, range) = (9, 2.5);
        let request = self.condition(1);
        let what = Around { dims: &dims, steps, range, request: &request };
        let items = traversals(self.model, &what, self.control)?;
        self.page.section("Latent traversal");
        let names: Vec<String> = dims.iter().map(usize::to_string).collect();
        let which = match names.is_empty() {
            true => String::new(),
            false => format!(", those that say most about an example first ({})", names.join(", ")),
        };
        let caption = format!(
            "One row a latent dimension{which}, from -{range} to {range} standard deviations of the \
             prior"
        );
        self.picture("samples/traversal.png", &items, steps, &caption)
    }
}
