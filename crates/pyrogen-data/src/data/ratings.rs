//! Ratings of things by people.

use std::path::Path;

use pyrogen_core::folder::write_file;
use serde_json::{Value, json};

use super::hash::Hasher;
use super::{Items, Modality};
use crate::DataError;

/// One rating: who, of what, how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rating {
    /// The person's place in [`Ratings::users`].
    pub user: u32,
    /// The thing's place in [`Ratings::things`].
    pub thing: u32,
    /// How much.
    pub value: f64,
}

/// Ratings; each is an item, and parts keep all users and things.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratings {
    users: Vec<String>,
    things: Vec<String>,
    ratings: Vec<Rating>,
}

impl Ratings {
    /// Ratings of `things` by `users`.
    ///
    /// # Errors
    /// A place beyond the names, or a value that is not finite.
    pub fn new(
        users: Vec<String>,
        things: Vec<String>,
        ratings: Vec<Rating>,
    ) -> Result<Self, DataError> {
        for rating in &ratings {
            if rating.user as usize >= users.len() || rating.thing as usize >= things.len() {
                let expected = format!("of {} users and {} things", users.len(), things.len());
                return Err(DataError::part("ratings", expected, format!("{rating:?}")));
            }
            if !rating.value.is_finite() {
                return Err(DataError::part("ratings", "finite numbers", rating.value));
            }
        }
        Ok(Self { users, things, ratings })
    }

    /// Names of the people.
    pub fn users(&self) -> &[String] {
        &self.users
    }

    /// Names of the things.
    pub fn things(&self) -> &[String] {
        &self.things
    }

    /// The ratings.
    pub fn ratings(&self) -> &[Rating] {
        &self.ratings
    }
}

impl Items for Ratings {
    fn len(&self) -> usize {
        self.ratings.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        let ratings = rows.iter().map(|&r| self.ratings[r]).collect();
        Self { users: self.users.clone(), things: self.things.clone(), ratings }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Err(DataError::part("parts", "one or more", 0));
        };
        for part in parts {
            if part.users != all.users || part.things != all.things {
                let expected = "of the same users and things";
                return Err(DataError::part("parts", expected, "others"));
            }
            all.ratings.extend(part.ratings);
        }
        Ok(all)
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Ratings);
        hash.texts(&self.users);
        hash.texts(&self.things);
        let pair = |r: &Rating| u64::from(r.user) << 32 | u64::from(r.thing);
        hash.numbers(self.ratings.iter().map(pair));
        hash.floats(self.ratings.iter().map(|r| r.value));
        hash.finish()
    }

    fn describe(&self) -> Value {
        let values = || self.ratings.iter().map(|r| r.value);
        let n = self.ratings.len().max(1) as f64;
        json!({
            "modality": "ratings",
            "examples": self.len(),
            "users": self.users.len(),
            "things": self.things.len(),
            "min": values().reduce(f64::min),
            "max": values().reduce(f64::max),
            "mean": values().sum::<f64>() / n,
            "sha256": self.sha256(),
        })
    }

    /// `.csv`: a row a rating, with the columns `user`, `thing` and `rating`.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        let rows = self.ratings.iter().map(|r| {
            let (user, thing) = (&self.users[r.user as usize], &self.things[r.thing as usize]);
            vec![user.clone(), thing.clone(), r.value.to_string()]
        });
        write_records(path, &["user", "thing", "rating"], rows)
    }
}

/// Writes rows of cells as CSV.
pub(super) fn write_records(
    path: &Path,
    names: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), DataError> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut written = out.write_record(names);
    for row in rows {
        written = written.and_then(|()| out.write_record(&row));
    }
    written.map_err(|e| DataError::io(path, "write")(e.into()))?;
    let bytes = out.into_inner().map_err(|e| {
        DataError::io(path, "write")(std::io::Error::new(e.error().kind(), e.to_string()))
    })?;
    Ok(write_file(path, &bytes)?)
}
