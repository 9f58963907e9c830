//! [`Registry`]: the families that a program knows.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;

use serde_json::{Map, Value};

use crate::{Ability, Error, Family, Model, Options};

/// How often a folder that changes while it is read is read again.
const AGAIN: usize = 10;

/// The families that a program knows, in the order in which they are listed.
#[derive(Clone, Default)]
pub struct Registry {
    families: Vec<Arc<dyn Family>>,
}

impl Registry {
    /// No families.
    pub fn new() -> Self {
        Self::default()
    }

    /// One family more; it takes the place of one of the same name.
    pub fn with(mut self, family: impl Family + 'static) -> Self {
        self.families.retain(|f| f.name() != family.name());
        self.families.push(Arc::new(family));
        self
    }

    /// Every family.
    pub fn families(&self) -> impl Iterator<Item = &dyn Family> {
        self.families.iter().map(AsRef::as_ref)
    }

    /// The names of the families, joined by commas.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.families().map(Family::name).collect();
        names.join(", ")
    }

    /// The family of that name.
    ///
    /// # Errors
    /// Where there is none; the message lists those there are.
    pub fn find(&self, name: &str) -> Result<&dyn Family, Error> {
        self.families()
            .find(|f| f.name() == name)
            .ok_or_else(|| Error::UnknownFamily { got: name.to_string(), known: self.names() })
    }

    /// Opens a model folder, a run folder that holds one, or a folder of another program that a family
    /// knows by its files.
    ///
    /// # Errors
    /// No such folder, a family that this registry does not have, or a folder that is damaged.
    pub fn open(&self, path: impl AsRef<Path>, device: &Device) -> Result<Model, Error> {
        self.open_with(path, device, &Map::new())
    }

    /// As [`open`](Self::open), by options of the family ([`Family::opening`]), as `{"weights": "int8"}`.
    ///
    /// # Errors
    /// As [`open`](Self::open), an option that the family does not have, or a value that it cannot use.
    pub fn open_with(
        &self,
        path: impl AsRef<Path>,
        device: &Device,
        given: &Map<String, Value>,
    ) -> Result<Model, Error> {
        let path = path.as_ref();
        if let Some(family) = self.families().find(|f| f.knows(path)) {
            return family.open_known_with(path, device, &opening(family, given)?);
        }
        let mut folder = ModelFolder::open(path)?;
        for _ in 0..AGAIN {
            let opened = self.open_folder(&folder, device, given);
            if opened.is_ok() {
                return opened;
            }
            // A run may have written the model again between the reading of two of its files.
            let now = ModelFolder::open(path)?;
            if (now.card(), now.path()) == (folder.card(), folder.path()) {
                return opened;
            }
            folder = now;
        }
        self.open_folder(&folder, device, given)
    }

    fn open_folder(
        &self,
        folder: &ModelFolder,
        device: &Device,
        given: &Map<String, Value>,
    ) -> Result<Model, Error> {
        let name = &folder.card().family;
        let family = self.find(name).map_err(|_| Error::FamilyNotBuilt {
            path: folder.path().to_path_buf(),
            family: name.clone(),
            known: self.names(),
        })?;
        family.open_with(folder, device, &opening(family, given)?)
    }
}

/// The options that a model of a family is opened by.
fn opening(family: &dyn Family, given: &Map<String, Value>) -> Result<Options, Error> {
    let specs = family.opening();
    if let Some((name, value)) =
        given.iter().find(|(name, _)| specs.iter().all(|s| s.name != *name))
    {
        let expected = format!("left out: family `{}` does not open by it", family.name());
        return Err(Error::option(name, expected, value));
    }
    Options::resolve(Ability::Generate, &specs, given)
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use pyrogen_core::folder::Card;
    use pyrogen_core::{FolderError, Seed};
    use pyrogen_data::Modality;

    use super::*;
    use crate::{Ability, About, Capabilities};

    fn save(path: &Path, steps: u64) {
        let card = Card { steps, ..Card::new("late", Seed(1)) };
        ModelFolder::save_json(path, &steps, &serde_json::json!({}), &card).unwrap();
    }

    /// Finds its folder damaged so many times, and so often a run writes it again meanwhile.
    struct Late {
        damaged: u64,
        rewrites: bool,
        opened: Arc<AtomicU64>,
    }

    impl Family for Late {
        fn name(&self) -> &'static str {
            "late"
        }

        fn about(&self) -> &'static str {
            "opens late"
        }

        fn takes(&self) -> &'static [Modality] {
            &[Modality::Points]
        }

        fn abilities(&self) -> Vec<Ability> {
            Vec::new()
        }

        fn open(&self, folder: &ModelFolder, _: &Device) -> Result<Model, Error> {
            let times = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
            if times <= self.damaged {
                if self.rewrites {
                    save(folder.path(), times);
                }
                return Err(FolderError::Damaged { path: folder.path().to_path_buf() }.into());
            }
            let about = About::new("late", Modality::Points, 1);
            let (path, card) = (folder.path(), folder.card().clone());
            Ok(Model::new(about, path, card, Capabilities::default()))
        }
    }

    #[test]
    fn a_folder_that_is_written_meanwhile_is_read_again() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("m");
        for (damaged, rewrites, opens, times) in
            [(0, false, true, 1), (3, true, true, 4), (1, false, false, 1), (99, true, false, 11)]
        {
            save(&path, 0);
            let opened = Arc::new(AtomicU64::new(0));
            let registry = Registry::new().with(Late { damaged, rewrites, opened: opened.clone() });
            let model = registry.open(&path, &Device::flex());
            assert_eq!(model.is_ok(), opens, "{damaged} {rewrites}");
            assert_eq!(opened.load(Ordering::Relaxed), times, "{damaged} {rewrites}");
            if let Ok(model) = model {
                assert_eq!(model.card().steps, damaged, "the card of what was opened");
            }
        }
    }
}
