//! [`Registry`]: the families that a program knows.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;

use crate::{Error, Family, Model};

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
        let path = path.as_ref();
        if let Some(family) = self.families().find(|f| f.knows(path)) {
            return family.open_known(path, device);
        }
        let mut folder = ModelFolder::open(path)?;
        for _ in 0..AGAIN {
            let opened = self.open_folder(&folder, device);
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
        self.open_folder(&folder, device)
    }

    fn open_folder(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let name = &folder.card().family;
        let family = self.find(name).map_err(|_| Error::FamilyNotBuilt {
            path: folder.path().to_path_buf(),
            family: name.clone(),
            known: self.names(),
        })?;
        family.open(folder, device)
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.names()).finish()
    }
}
