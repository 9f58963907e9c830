//! Preparations in and out of a model's card.

use pyrogen_core::config;
use pyrogen_core::folder::DataCard;

use super::Preparation;
use crate::{DataError, Dataset};

impl Dataset {
    /// What a model card says of this data, as training data: hash and number of examples, with
    /// the preparation.
    ///
    /// ```
    /// use pyrogen_data::{Preparation, Recipe, digits};
    ///
    /// let digits = digits();
    /// let preparation = Preparation::fit(&Recipe::Unit, &digits)?;
    /// let card = digits.card("digits", &preparation);
    /// assert_eq!(card.examples, 1797);
    /// assert_eq!(Preparation::from_card(&card)?, preparation);
    /// # Ok::<(), pyrogen_data::DataError>(())
    /// ```
    pub fn card(&self, source: &str, preparation: &Preparation) -> DataCard {
        DataCard {
            source: source.to_string(),
            sha256: self.sha256(),
            test_sha256: None,
            examples: self.len(),
            preparation: config::to_value(preparation),
            context: None,
        }
    }
}

impl Preparation {
    /// The preparation that a model card holds.
    ///
    /// # Errors
    /// If there is none, or it cannot be used.
    pub fn from_card(card: &DataCard) -> Result<Self, DataError> {
        config::from_value(card.preparation.clone()).map_err(DataError::Card)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_without_a_preparation_is_an_error() {
        let text = Preparation::from_card(&DataCard::default()).unwrap_err().to_string();
        assert!(text.contains("card.json") && !text.contains('\n'), "{text}");
    }
}
