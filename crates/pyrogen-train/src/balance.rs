//! How often training draws each row.

use pyrogen_core::{ConfigError, Examples};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often training draws each row.
///
/// Where rows have weights they are drawn with replacement: each row of each batch is row `i` with
/// probability `w_i / sum(w)`, and an epoch has as many draws as there are rows. The rows of a step
/// are a function of the seed and the step. Validation and test data stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// By the weights of data that has some, else each row once an epoch.
    #[default]
    Auto,
    /// Each row once an epoch, whatever the weights of the data.
    None,
    /// Every class as often as every other.
    Classes,
    /// By the weights of the data, which must have some.
    Weights,
    /// By the weight of the row's class, in the order of the classes: a row of a class of weight 2 is
    /// drawn twice as often as one of weight 1.
    ClassWeights(Vec<f64>),
}

impl Balance {
    /// Checks the numbers.
    ///
    /// # Errors
    /// Weights of classes that are negative or not finite.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let Self::ClassWeights(weights) = self else { return Ok(()) };
        match weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
            Some(w) => Err(error("finite numbers, 0 or more", w)),
            None => Ok(()),
        }
    }

    /// The weight of each row; none where each is drawn once an epoch.
    ///
    /// # Errors
    /// Data without the classes or the weights that are asked for, or another number of weights than
    /// classes.
    pub fn weights(&self, data: &impl Examples) -> Result<Option<Vec<f64>>, ConfigError> {
        let classes = || {
            let got = format!("{}, and the data has no classes", self.name());
            data.classes().ok_or_else(|| error("auto or none", got))
        };
        let each = |weights: &[f64], classes: &[u32]| -> Vec<f64> {
            classes.iter().map(|&class| weights[class as usize]).collect()
        };
        match self {
            Self::None => Ok(None),
            Self::Auto => Ok(data.weights().map(<[f64]>::to_vec)),
            Self::Weights => match data.weights() {
                Some(weights) => Ok(Some(weights.to_vec())),
                None => Err(error("auto or none", "weights, and the data has none")),
            },
            Self::Classes => {
                let classes = classes()?;
                let counts = counts(classes);
                let weights: Vec<f64> = counts.iter().map(|&n| 1.0 / n.max(1) as f64).collect();
                Ok(Some(each(&weights, classes)))
            }
            Self::ClassWeights(weights) => {
                let classes = classes()?;
                let used = counts(classes).len();
                if weights.len() < used {
                    let expected = format!("{used} weights or more, one a class");
                    return Err(error(expected, weights.len()));
                }
                Ok(Some(each(weights, classes)))
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Classes => "classes",
            Self::Weights => "weights",
            Self::ClassWeights(_) => "class_weights",
        }
    }
}

fn error(expected: impl Into<String>, got: impl std::fmt::Display) -> ConfigError {
    ConfigError::value("balance", expected, got)
}

/// Rows of each class.
fn counts(classes: &[u32]) -> Vec<usize> {
    let mut counts = vec![0; classes.iter().max().map_or(0, |&c| c as usize + 1)];
    classes.iter().for_each(|&class| counts[class as usize] += 1);
    counts
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use pyrogen_core::{Noise, Seed};
    use pyrogen_data::BatchOrder;
    use serde_json::json;

    use super::*;

    /// Rows of which only class and weight matter.
    #[derive(Default)]
    struct Rows {
        classes: Option<Vec<u32>>,
        weights: Option<Vec<f64>>,
    }

    impl Examples for Rows {
        type Batch = ();

        fn len(&self) -> usize {
            self.classes.as_ref().map_or(4, Vec::len)
        }

        fn classes(&self) -> Option<&[u32]> {
            self.classes.as_deref()
        }

        fn weights(&self) -> Option<&[f64]> {
            self.weights.as_deref()
        }

        fn batch(&self, _: &[usize], _: &mut Noise, _: &Device) {}
    }

    /// 950 rows of class 0, then 50 of class 2: sorted, unbalanced, and no row of class 1.
    fn unbalanced() -> Rows {
        Rows { classes: Some([vec![0; 950], vec![2; 50]].concat()), weights: None }
    }

    /// Rows of class 2 among `20,000` draws.
    fn rare(balance: &Balance) -> f64 {
        let weights = balance.weights(&unbalanced()).unwrap().unwrap();
        let mut order = BatchOrder::weighted(&weights, 50, &Noise::new(Seed(6)), false).unwrap();
        let rows: Vec<usize> = (0..400).flat_map(|step| order.rows(step).1).collect();
        assert_eq!(rows.len(), 20_000);
        // No row of the rare class is left out or preferred: 200 draws each, deviation 14.
        let mut counts = [0usize; 50];
        rows.iter().filter(|&&row| row >= 950).for_each(|&row| counts[row - 950] += 1);
        let all: usize = counts.iter().sum();
        let mean = all as f64 / 50.0;
        assert!(counts.iter().all(|&c| (c as f64 - mean).abs() < 5.0 * mean.sqrt()));
        all as f64
    }

    #[test]
    fn classes_are_drawn_as_often_as_each_other_or_by_their_weights() {
        // Five standard deviations of a binomial of 20,000 draws; the seed is fixed.
        let bound = |p: f64| 5.0 * (20_000.0 * p * (1.0 - p)).sqrt();
        assert!((rare(&Balance::Classes) - 10_000.0).abs() < bound(0.5));
        // 950 rows of weight 1 and 50 of weight 19/3: a quarter.
        let weights = Balance::ClassWeights(vec![1.0, 7.0, 19.0 / 3.0]);
        assert!((rare(&weights) - 5_000.0).abs() < bound(0.25));
    }

    #[test]
    fn weights_of_the_data_are_used() {
        let weighted = Rows { weights: Some(vec![1.0, 0.0, 2.0, 3.0]), ..Rows::default() };
        for balance in [Balance::Auto, Balance::Weights] {
            assert_eq!(balance.weights(&weighted).unwrap(), weighted.weights);
        }
        assert_eq!(Balance::None.weights(&weighted).unwrap(), None);
        assert_eq!(Balance::Auto.weights(&Rows::default()).unwrap(), None);
    }

    #[test]
    fn what_the_data_lacks_is_an_error() {
        let text = |balance: Balance, data: &Rows| balance.weights(data).unwrap_err().to_string();
        let none = Rows::default();
        let error = text(Balance::Classes, &none);
        assert_eq!(
            error,
            "config: field `balance` must be auto or none, got classes, and the data has no classes"
        );
        assert!(text(Balance::Weights, &none).contains("the data has none"));
        assert!(text(Balance::ClassWeights(vec![1.0]), &unbalanced()).contains("3 weights"));
        for w in [-1.0, f64::NAN, f64::INFINITY] {
            Balance::ClassWeights(vec![1.0, w]).validate().unwrap_err();
        }
    }

    #[test]
    fn names_are_read_and_written() {
        for (json, balance) in [
            (json!("auto"), Balance::Auto),
            (json!("none"), Balance::None),
            (json!("classes"), Balance::Classes),
            (json!("weights"), Balance::Weights),
            (json!({"class_weights": [1.0, 2.5]}), Balance::ClassWeights(vec![1.0, 2.5])),
        ] {
            assert_eq!(serde_json::to_value(&balance).unwrap(), json);
            assert_eq!(serde_json::from_value::<Balance>(json).unwrap(), balance);
        }
    }
}
