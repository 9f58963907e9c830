//! [`Model`]: a loaded model of any family.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyrogen_core::Likelihood;
use pyrogen_core::folder::Card;
use pyrogen_data::{Data, Layout, Modality};
use serde::Serialize;

use crate::{
    Ability, Assign, Assignment, Capabilities, Complete, Control, Error, Figure, Finding, Generate,
    Given, Latent, Likely, Marginal, Rank, Ranking, Request, Samples, Stream, Vary,
};

/// What a model is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// The family that opens it.
    pub family: String,
    /// The method that it was trained by: the family's name, or one of several that share a folder.
    pub method: String,
    /// What its items are.
    pub modality: Modality,
    /// Number of parameters.
    pub parameters: usize,
    /// The classes that a condition may name; empty for a model without classes.
    pub classes: Vec<String>,
    /// What the context of an item is made from, for models that take one.
    pub context: Option<String>,
}

impl About {
    /// A model of the family's one method, without classes and context.
    pub fn new(family: &str, modality: Modality, parameters: usize) -> Self {
        let (family, method) = (family.to_string(), family.to_string());
        Self { family, method, modality, parameters, classes: Vec::new(), context: None }
    }
}

/// A loaded model of any family. Threads may share it; a clone is cheap.
///
/// What it can do is what is `Some` in [`can`](Self::can); the methods here are the same with an
/// error where it is `None`.
#[derive(Debug, Clone)]
pub struct Model {
    about: About,
    path: PathBuf,
    card: Card,
    can: Capabilities,
    layout: Option<Arc<Layout>>,
    reasons: Vec<(Ability, String)>,
}

impl Model {
    /// A model with its abilities.
    pub fn new(about: About, path: &Path, card: Card, can: Capabilities) -> Self {
        Self { about, path: path.to_path_buf(), card, can, layout: None, reasons: Vec::new() }
    }

    /// Says what the rows are that the model learnt: their columns, shapes, levels.
    pub fn with_layout(self, layout: Layout) -> Self {
        Self { layout: Some(Arc::new(layout)), ..self }
    }

    /// Says why an ability is not there, and what to do instead.
    pub fn because(mut self, ability: Ability, why: impl Into<String>) -> Self {
        self.reasons.push((ability, why.into()));
        self
    }

    /// What it is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its folder says of it.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// What the rows are that it learnt; None for other modalities.
    pub fn layout(&self) -> Option<&Layout> {
        self.layout.as_deref()
    }

    /// What it can do.
    pub fn can(&self) -> &Capabilities {
        &self.can
    }

    /// Why an ability is not there, where the family says so.
    pub fn why_not(&self, ability: Ability) -> Option<&str> {
        self.reasons.iter().find(|(a, _)| *a == ability).map(|(_, why)| why.as_str())
    }

    /// The error of an ability that is not there.
    pub fn cannot(&self, ability: Ability) -> Error {
        let why = self.why_not(ability).map(str::to_string).unwrap_or_else(|| {
            let can: Vec<&str> = self.can.abilities().iter().map(|a| a.name()).collect();
            format!("it can {}", can.join(", "))
        });
        Error::Unsupported { family: self.about.method.clone(), ability, why }
    }

    fn need<'a, T: ?Sized>(
        &self,
        ability: Ability,
        has: &'a Option<Arc<T>>,
    ) -> Result<&'a Arc<T>, Error> {
        has.as_ref().ok_or_else(|| self.cannot(ability))
    }

    /// The object that draws new items.
    ///
    /// # Errors
    /// Where the model cannot.
    pub fn generator(&self) -> Result<&Arc<dyn Generate>, Error> {
        self.need(Ability::Generate, &self.can.generate)
    }

    /// The first `n` items of the request's seed, in raw units.
    ///
    /// # Errors
    /// Where the model cannot, and as [`Generate::generate`].
    pub fn generate(&self, n: u64, request: &Request, control: &Control) -> Result<Data, Error> {
        self.generator()?.generate(0..n, request, control)
    }

    /// Items without end.
    ///
    /// # Errors
    /// Where the model cannot generate.
    pub fn samples(&self, request: &Request, control: &Control) -> Result<Samples, Error> {
        Ok(Samples::new(self.generator()?.clone(), request.clone(), control.clone()))
    }

    /// The object that fills in the rest of items.
    ///
    /// # Errors
    /// Where the model cannot.
    pub fn completer(&self) -> Result<&Arc<dyn Complete>, Error> {
        self.need(Ability::Complete, &self.can.complete)
    }

    /// A completion of each given item.
    ///
    /// # Errors
    /// Where the model cannot, and as [`Complete::complete`].
    pub fn complete(
        &self,
        given: &Given,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        self.completer()?.complete(given, 0..given.items.len() as u64, request, control)
    }

    /// The object that makes items like given ones.
    ///
    /// # Errors
    /// Where the model cannot.
    pub fn varier(&self) -> Result<&Arc<dyn Vary>, Error> {
        self.need(Ability::Vary, &self.can.vary)
    }

    /// An item like each given one.
    ///
    /// # Errors
    /// Where the model cannot, and as [`Vary::vary`].
    pub fn vary(&self, from: &Data, request: &Request, control: &Control) -> Result<Data, Error> {
        self.varier()?.vary(from, 0..from.len() as u64, request, control)
    }

    /// The object that makes items piece by piece.
    ///
    /// # Errors
    /// Where the model cannot.
    pub fn streamer(&self) -> Result<&Arc<dyn Stream>, Error> {
        self.need(Ability::Stream, &self.can.stream)
    }

    /// The object that says how probable items are.
    ///
    /// # Errors
    /// Where the model cannot.
    pub fn scorer(&self) -> Result<&Arc<dyn Likely>, Error> {
        self.need(Ability::Score, &self.can.score)
    }

    /// The log-likelihood of each item.
    ///
    /// # Errors
    /// Where the model cannot, and as [`Likely::score`].
    pub fn score(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Likelihood, Error> {
        self.scorer()?.score(data, request, control)
    }

    /// The object that says how unusual items are.
    ///
    /// # Errors
    /// Where the model cannot.
    pub fn ranker(&self) -> Result<&Arc<dyn Rank>, Error> {
        self.need(Ability::Rank, &self.can.rank)
    }

    /// How unusual each item is, more is more so: by what ranks, else by minus the log-likelihood.
    ///
    /// # Errors
    /// Where the model can neither rank nor score, and as [`Rank::rank`] and [`Likely::score`].
    pub fn rank(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Ranking, Error> {
        if let Some(rank) = &self.can.rank {
            return rank.rank(data, request, control);
        }
        let score = self.can.score.as_ref().ok_or_else(|| self.cannot(Ability::Rank))?;
        let likelihood = score.score(data, request, control)?;
        let scores = likelihood.nats().iter().map(|v| -v).collect();
        Ok(Ranking { name: "minus the log-likelihood in nats".into(), scores })
    }

    /// The object that encodes and decodes.
    ///
    /// # Errors
    /// Where the model cannot.
    pub fn latent(&self) -> Result<&Arc<dyn Latent>, Error> {
        self.need(Ability::Latent, &self.can.latent)
    }

    /// The object that assigns items.
    ///
    /// # Errors
    /// Where the model cannot.
    pub fn assigner(&self) -> Result<&Arc<dyn Assign>, Error> {
        self.need(Ability::Assign, &self.can.assign)
    }

    /// Which state, topic or component each item belongs to.
    ///
    /// # Errors
    /// Where the model cannot, and as [`Assign::assign`].
    pub fn assign(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Assignment, Error> {
        self.assigner()?.assign(data, request, control)
    }

    /// For each item, the distribution of what is missing in it.
    ///
    /// # Errors
    /// Where the model cannot, and as [`Query::query`](crate::Query::query).
    pub fn query(
        &self,
        evidence: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Vec<(String, Marginal)>>, Error> {
        self.need(Ability::Query, &self.can.query)?.query(evidence, request, control)
    }

    /// What the model says of itself; nothing where it has nothing to say.
    ///
    /// # Errors
    /// As [`Inspect::inspect`](crate::Inspect::inspect).
    pub fn inspect(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Finding>, Error> {
        match &self.can.inspect {
            Some(inspect) => inspect.inspect(data, request, control),
            None => Ok(Vec::new()),
        }
    }

    /// Pictures that the model has of itself; none where it has none.
    ///
    /// # Errors
    /// As [`Inspect::figures`](crate::Inspect::figures).
    pub fn figures(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Figure>, Error> {
        match &self.can.inspect {
            Some(inspect) => inspect.figures(data, request, control),
            None => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_a_model() {
        fn shared<T: Send + Sync + Clone + 'static>() {}
        shared::<Model>();
    }
}
