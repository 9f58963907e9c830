//! The object behind every capability.

use pyrogen_data::{Data, Text};
use pyrogen_model::Error;

use crate::TextModel;
use crate::language::LanguageModel;

/// A model behind the door.
pub(super) struct Door<N: LanguageModel> {
    pub(super) model: TextModel<N>,
}

/// The documents of data.
///
/// # Errors
/// Data that is no text, or no documents.
pub(super) fn text(data: &Data) -> Result<&Text, Error> {
    let Data::Text(text) = data else {
        let (family, takes) = ("of this model".into(), "text".into());
        return Err(Error::Modality { family, got: data.modality(), takes });
    };
    if text.documents().is_empty() {
        return Err(Error::Wish("there are no documents".into()));
    }
    Ok(text)
}

impl<N: LanguageModel> Door<N> {
    /// The tokens of each document.
    ///
    /// # Errors
    /// A character or word that is not in the vocabulary; the message names the document.
    pub(super) fn tokens(&self, text: &Text) -> Result<Vec<Vec<u32>>, Error> {
        encoded(text, self.model.tokenizer())
    }
}

/// The tokens of each document.
///
/// # Errors
/// A character or word that is not in the vocabulary; the message names the document.
pub(super) fn encoded(text: &Text, tokenizer: &crate::Tokenizer) -> Result<Vec<Vec<u32>>, Error> {
    let tokens = |(i, document): (usize, &std::sync::Arc<str>)| {
        tokenizer.encode(document).map_err(|e| {
            Error::other(pyrogen_model::ErrorKind::Data, format!("document {}: {e}", i + 1))
        })
    };
    text.documents().iter().enumerate().map(tokens).collect()
}

/// The tokens of texts without what the vocabulary does not have, and how much that is.
pub(super) fn known(text: &Text, tokenizer: &crate::Tokenizer) -> (Vec<Vec<u32>>, usize) {
    let of = text.documents().iter().map(|document| tokenizer.encode_known(document));
    let (documents, left_out): (Vec<_>, Vec<usize>) = of.unzip();
    (documents, left_out.iter().sum())
}
