//! The promises of the door, as checks that the tests of any family can run.
//!
//! ```no_run
//! use pyrogen_data::{Data, Text};
//! use pyrogen_model::{Error, Registry, conformance};
//!
//! fn keeps_the_promises(registry: &Registry) -> Result<(), Error> {
//!     let model = registry.open("tests/fixtures/mine", &burn::tensor::Device::default())?;
//!     let items = Data::Text(Text::new(["some", "items", "that it takes"]));
//!     let broken = conformance::check(registry, &model, &items);
//!     assert!(broken.is_empty(), "{}", broken.join("\n"));
//!     Ok(())
//! }
//! ```

use std::ops::Range;

use pyrogen_data::{Data, Items};

use crate::{Control, Error, ErrorKind, Given, Marginal, Model, Registry, Request};

/// How far a sum of probabilities may be from 1: rounding of some thousand terms.
const SUM: f64 = 1e-9;

/// Promises that a model breaks, a line each; none where it keeps them all. `data` are some items
/// that the model takes, three or more.
///
/// Checked are, as far as the model has the ability: the abilities are those that its family promises, or the model
/// says why not;
/// item `i` is the same whatever is drawn beside it; pieces of a stream joined are the item; no items,
/// an unknown option and a cancelled control are errors of the right kind; a completion keeps what is
/// given; scores are one an item and do not depend on the other items; probabilities sum to one.
pub fn check(registry: &Registry, model: &Model, data: &Data) -> Vec<String> {
    let mut broken = Broken { lines: Vec::new() };
    broken.abilities(registry, model);
    broken.generate(model, data);
    broken.stream(model);
    broken.complete(model, data);
    broken.score(model, data);
    broken.assign(model, data);
    broken.query(model, data);
    broken.cancel(model, data);
    broken.lines
}

struct Broken {
    lines: Vec<String>,
}

/// Few items, so that checks are quick.
const ITEMS: Range<u64> = 0..5;

fn request() -> Request {
    Request::seed(11)
}

fn unknown() -> Request {
    request().set("no_such_option", 1)
}

impl Broken {
    fn expect(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.lines.push(what.into());
        }
    }

    /// The value, or a line that says what failed.
    fn works<T>(&mut self, what: &str, result: Result<T, Error>) -> Option<T> {
        result.map_err(|e| self.lines.push(format!("{what}: {e}"))).ok()
    }

    fn fails<T>(&mut self, what: &str, kind: ErrorKind, result: Result<T, Error>) {
        match result {
            Ok(_) => self.lines.push(format!("{what}: is no error")),
            Err(e) if e.kind() != kind => {
                self.lines.push(format!("{what}: {:?} instead of {kind:?}: {e}", e.kind()));
            }
            Err(_) => {}
        }
    }

    fn abilities(&mut self, registry: &Registry, model: &Model) {
        let about = model.about();
        let Some(family) = self.works("family", registry.find(&about.family)) else { return };
        for ability in model.can().abilities() {
            let promised = family.abilities().contains(&ability);
            self.expect(promised, format!("{ability} is not promised by `{}`", family.name()));
        }
        // Methods that share a folder promise for themselves.
        let method = registry.find(&about.method).unwrap_or(family);
        for ability in method.abilities() {
            let given = model.can().abilities().contains(&ability);
            let excused = model.why_not(ability).is_some();
            let what = format!("{ability} is promised by `{}`, not given", method.name());
            self.expect(given || excused, format!("{what}, and no reason is"));
        }
        let takes = family.takes().contains(&about.modality);
        self.expect(takes, format!("`{}` does not take {}", family.name(), about.modality));
    }

    fn generate(&mut self, model: &Model, data: &Data) {
        let Some(generate) = &model.can().generate else { return };
        // A model of items given a context takes that of the data.
        let context = model.about().context.is_some();
        let like = |request: Request| if context { request.like(data.clone()) } else { request };
        let (control, request) = (Control::new(), like(request()));
        let many = generate.generate(ITEMS, &request, &control);
        let Some(many) = self.works("generate", many) else { return };
        self.expect(many.len() == 5, format!("generate: {} items instead of 5", many.len()));
        for items in [0..1, 2..4, 4..5] {
            let part = generate.generate(items.clone(), &request, &control);
            let rows: Vec<usize> = items.clone().map(|i| i as usize).collect();
            let same = part.is_ok_and(|part| part == many.select(&rows));
            self.expect(same, format!("generate: items {items:?} differ beside others"));
        }
        let other = generate.generate(ITEMS, &like(Request::seed(12)), &control);
        self.expect(other.is_ok_and(|o| o != many), "generate: two seeds give the same items");
        self.fails(
            "generate: no items",
            ErrorKind::Request,
            generate.generate(3..3, &request, &control),
        );
        let wrong = generate.generate(ITEMS, &like(unknown()), &control);
        self.fails("generate: an unknown option", ErrorKind::Request, wrong);
    }

    fn stream(&mut self, model: &Model) {
        let (Some(stream), Some(generate)) = (&model.can().stream, &model.can().generate) else {
            return;
        };
        let (control, request) = (Control::new(), request());
        for item in [0, 3] {
            let pieces = stream
                .stream(item, &request, &control)
                .and_then(|pieces| pieces.collect::<Result<Vec<Data>, Error>>());
            let Some(pieces) = self.works("stream", pieces) else { return };
            let whole = generate.generate(item..item + 1, &request, &control);
            let Some(whole) = self.works("generate", whole) else { return };
            let same = joined(&pieces, &whole);
            self.expect(same, format!("stream: the pieces of item {item} are not the item"));
        }
        let wrong = stream.stream(0, &unknown(), &control).map(|_| ());
        self.fails("stream: an unknown option", ErrorKind::Request, wrong);
    }

    fn complete(&mut self, model: &Model, data: &Data) {
        let Some(complete) = &model.can().complete else { return };
        let (control, request) = (Control::new(), request());
        let given = match data {
            Data::Pictures(_) | Data::Points(_) => {
                let width = data.dataset().map_or(0, |rows| rows.width());
                Given::masked(data.clone(), (0..width).map(|k| k < width / 2).collect())
            }
            _ => Given::new(data.clone()),
        };
        let items = 0..data.len() as u64;
        let made = complete.complete(&given, items, &request, &control);
        let Some(made) = self.works("complete", made) else { return };
        self.expect(made.len() == data.len(), "complete: another number of items");
        let last = data.len() as u64 - 1;
        let alone = complete.complete(&given, last..last + 1, &request, &control);
        let same = alone.is_ok_and(|alone| alone == made.select(&[data.len() - 1]));
        self.expect(same, "complete: the last item differs beside others");
        self.expect(keeps(&given, &made), "complete: what is given was changed");
        let wrong = complete.complete(&given, 0..1, &unknown(), &control);
        self.fails("complete: an unknown option", ErrorKind::Request, wrong);
    }

    fn score(&mut self, model: &Model, data: &Data) {
        let Some(score) = &model.can().score else { return };
        let (control, request) = (Control::new(), request());
        let Some(all) = self.works("score", score.score(data, &request, &control)) else { return };
        let one_each = all.nats().len() == data.len();
        self.expect(one_each, format!("score: {} numbers", all.nats().len()));
        let first = score.score(&data.select(&[0]), &request, &control);
        let same = first.is_ok_and(|first| first.nats() == &all.nats()[..1]);
        self.expect(same, "score: the first item's differs beside others");
        self.expect(!all.nats().iter().any(|v| v.is_nan()), "score: NaN");
        self.expect(all.units() > 0, "score: no units");
        let wrong = score.score(data, &unknown(), &control);
        if !score.options().is_empty() {
            self.fails("score: an unknown option", ErrorKind::Request, wrong);
        }
    }

    fn assign(&mut self, model: &Model, data: &Data) {
        if model.can().assign.is_none() {
            return;
        }
        let assigned = model.assign(data, &request(), &Control::new());
        let Some(assigned) = self.works("assign", assigned) else { return };
        let names = assigned.names.len();
        self.expect(assigned.assigned.len() == data.len(), "assign: another number of items");
        let known = assigned.assigned.iter().flatten().all(|&k| (k as usize) < names);
        self.expect(known, "assign: a number without a name");
        for p in assigned.probabilities.iter().flat_map(|p| p.chunks(names)) {
            self.expect((p.iter().sum::<f64>() - 1.0).abs() < SUM, format!("assign: {p:?}"));
        }
    }

    fn query(&mut self, model: &Model, data: &Data) {
        if model.can().query.is_none() {
            return;
        }
        let answers = model.query(data, &request(), &Control::new());
        let Some(answers) = self.works("query", answers) else { return };
        self.expect(answers.len() == data.len(), "query: another number of items");
        for (name, marginal) in answers.iter().flatten() {
            let holds = match marginal {
                Marginal::Discrete { values, probabilities } => {
                    values.len() == probabilities.len()
                        && (probabilities.iter().sum::<f64>() - 1.0).abs() < SUM
                }
                Marginal::Continuous { mean, std } => mean.is_finite() && *std >= 0.0,
                Marginal::Drawn { mean, std, quantiles, draws } => {
                    let rise = quantiles.windows(2).all(|q| q[0].0 < q[1].0 && q[0].1 <= q[1].1);
                    mean.is_finite() && *std >= 0.0 && rise && *draws > 0
                }
            };
            self.expect(holds, format!("query: {name}: {marginal:?}"));
        }
    }

    fn cancel(&mut self, model: &Model, data: &Data) {
        let (can, control, request) = (model.can(), Control::new(), request());
        control.cancel();
        let kind = ErrorKind::Cancelled;
        if let Some(generate) = &can.generate {
            self.fails("generate, cancelled", kind, generate.generate(ITEMS, &request, &control));
        }
        if let Some(score) = &can.score {
            self.fails("score, cancelled", kind, score.score(data, &request, &control));
        }
        if let Some(rank) = &can.rank {
            self.fails("rank, cancelled", kind, rank.rank(data, &request, &control));
        }
        if let Some(assign) = &can.assign {
            self.fails("assign, cancelled", kind, assign.assign(data, &request, &control));
        }
        if let Some(query) = &can.query {
            self.fails("query, cancelled", kind, query.query(data, &request, &control));
        }
        if let Some(stream) = &can.stream {
            let pieces = stream.stream(0, &request, &control);
            let first = pieces.and_then(|mut pieces| pieces.next().transpose());
            self.fails("stream, cancelled", kind, first);
        }
    }
}

/// Whether pieces joined are one item.
fn joined(pieces: &[Data], whole: &Data) -> bool {
    if let Data::Text(whole) = whole {
        let texts = pieces.iter().filter_map(|piece| match piece {
            Data::Text(text) => Some(text.documents().concat()),
            _ => None,
        });
        return texts.collect::<String>() == whole.documents().concat();
    }
    if let Data::Sequences(whole) = whole {
        let steps = pieces.iter().filter_map(|piece| match piece {
            Data::Sequences(part) => Some((0..part.len()).flat_map(|i| part.sequence(i).to_vec())),
            _ => None,
        });
        let joined: Vec<f64> = steps.flatten().collect();
        return joined == whole.sequence(0);
    }
    let values = pieces.iter().filter_map(|piece| piece.dataset().map(|d| d.values().to_vec()));
    whole.dataset().is_some_and(|rows| values.flatten().collect::<Vec<f32>>() == rows.values())
}

/// Whether completions have what was given.
fn keeps(given: &Given, made: &Data) -> bool {
    match (&given.items, made) {
        (Data::Text(given), Data::Text(made)) => {
            let pairs = given.documents().iter().zip(made.documents());
            pairs.into_iter().all(|(given, made)| made.starts_with(&**given))
        }
        (Data::Pairs(given), Data::Pairs(made)) => given.sources() == made.sources(),
        (Data::Table(given), Data::Table(made)) => {
            let names = made.column_names();
            given.column_names().iter().enumerate().all(|(j, name)| {
                let Some(place) = names.iter().position(|n| n == name) else { return true };
                (0..given.len())
                    .all(|i| given.is_missing(i, j) || given.text(i, j) == made.text(i, place))
            })
        }
        _ => true,
    }
}
