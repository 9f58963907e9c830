//! What a model was made for.

use crate::{Condition, RequestError};

/// How a model names itself and what it was made for.
pub trait Describe {
    /// Shape of one example, without the batch axis.
    fn event_shape(&self) -> Vec<usize>;

    /// Number of classes that a condition may name; `None` for an unconditional model.
    fn classes(&self) -> Option<usize> {
        None
    }

    /// Whether a conditional model also works without a class, because it was trained with some of
    /// the labels hidden.
    fn classes_are_optional(&self) -> bool {
        false
    }

    /// Shape of the context that the model takes with each example, without the batch axis;
    /// `None` for a model that takes none.
    fn context_shape(&self) -> Option<Vec<usize>> {
        None
    }

    /// Checks the shape of contexts (without the batch axis) before any computing: given exactly
    /// when the model takes them, and of its shape, flat or not.
    ///
    /// # Errors
    /// A context that the model does not take, that is missing, or that is of another shape.
    fn check_context(&self, shape: Option<&[usize]>) -> Result<(), RequestError> {
        match (self.context_shape(), shape) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(RequestError::NoContext),
            (Some(expected), None) => Err(RequestError::MissingContext { expected }),
            (Some(expected), Some(got)) => {
                if got == expected || got == [expected.iter().product::<usize>()] {
                    return Ok(());
                }
                Err(RequestError::ContextShape { expected, got: got.to_vec() })
            }
        }
    }

    /// Checks a list of classes before any computing: in range, and given exactly when the model
    /// is conditional.
    ///
    /// # Errors
    /// Classes that the model does not take, that are missing, or that are out of range.
    fn check_classes(&self, classes: Option<&[usize]>) -> Result<(), RequestError> {
        match (self.classes(), classes) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(RequestError::Unconditional),
            (Some(known), None) => Err(RequestError::MissingLabels { classes: known }),
            (Some(known), Some(given)) => match given.iter().find(|&&c| c >= known) {
                Some(&got) => Err(RequestError::ClassOutOfRange { got, classes: known }),
                None => Ok(()),
            },
        }
    }

    /// Checks the condition of `rows` examples before any computing: classes as
    /// [`check_classes`](Self::check_classes), but that they may be missing where
    /// [`classes_are_optional`](Self::classes_are_optional); contexts as
    /// [`check_context`](Self::check_context); and one of each an example.
    ///
    /// # Errors
    /// A condition that does not fit.
    fn check_condition(&self, condition: &Condition, rows: usize) -> Result<(), RequestError> {
        let each = |got: usize| match got == rows {
            true => Ok(()),
            false => Err(RequestError::ConditionRows { expected: rows, got }),
        };
        match &condition.labels {
            Some(labels) => {
                // Before labels are read: on a GPU that waits for all that was started.
                if self.classes().is_none() {
                    return Err(RequestError::Unconditional);
                }
                each(labels.dims()[0])?;
                // A negative label wraps to a number that no model knows.
                let given: Vec<usize> =
                    labels.to_data().iter::<i64>().map(|label| label as usize).collect();
                self.check_classes(Some(&given))?;
            }
            None if self.classes_are_optional() => {}
            None => self.check_classes(None)?,
        }
        let context = condition.context.as_ref().map(|context| context.dims());
        self.check_context(context.as_ref().map(|[_, features]| std::slice::from_ref(features)))?;
        context.map_or(Ok(()), |[given, _]| each(given))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;
    use pyrogen_testkit::device;

    use super::*;

    struct Model {
        classes: Option<usize>,
        optional: bool,
        context: Option<Vec<usize>>,
    }

    impl Describe for Model {
        fn event_shape(&self) -> Vec<usize> {
            vec![1]
        }

        fn classes(&self) -> Option<usize> {
            self.classes
        }

        fn classes_are_optional(&self) -> bool {
            self.optional
        }

        fn context_shape(&self) -> Option<Vec<usize>> {
            self.context.clone()
        }
    }

    #[test]
    fn a_condition_that_does_not_fit_is_an_error() {
        let d = device();
        let plain = Model { classes: None, optional: false, context: None };
        let of_class = Model { classes: Some(3), optional: false, context: None };
        let either = Model { classes: Some(3), optional: true, context: None };
        let of_context = Model { classes: None, optional: false, context: Some(vec![2, 2]) };
        let classes = |c: &[usize]| Condition::classes(c, &d);
        let context = |n: usize, w: usize| Condition::context(Tensor::<2>::zeros([n, w], &d));

        assert_eq!(plain.check_condition(&Condition::none(), 2), Ok(()));
        assert_eq!(plain.check_condition(&classes(&[0, 1]), 2), Err(RequestError::Unconditional));
        assert_eq!(plain.check_condition(&context(2, 4), 2), Err(RequestError::NoContext));

        assert_eq!(of_class.check_condition(&classes(&[0, 2]), 2), Ok(()));
        let out = RequestError::ClassOutOfRange { got: 3, classes: 3 };
        assert_eq!(of_class.check_condition(&classes(&[0, 3]), 2), Err(out));
        let rows = RequestError::ConditionRows { expected: 3, got: 2 };
        assert_eq!(of_class.check_condition(&classes(&[0, 2]), 3), Err(rows));
        let missing = Err(RequestError::MissingLabels { classes: 3 });
        assert_eq!(of_class.check_condition(&Condition::none(), 2), missing);
        assert_eq!(either.check_condition(&Condition::none(), 2), Ok(()));
        let negative = Condition::labels(Tensor::from_data([-1], &d));
        assert!(of_class.check_condition(&negative, 1).is_err());

        assert_eq!(of_context.check_condition(&context(2, 4), 2), Ok(()));
        let shape = RequestError::ContextShape { expected: vec![2, 2], got: vec![3] };
        assert_eq!(of_context.check_condition(&context(2, 3), 2), Err(shape));
        let rows = RequestError::ConditionRows { expected: 3, got: 2 };
        assert_eq!(of_context.check_condition(&context(2, 4), 3), Err(rows));
        let missing = RequestError::MissingContext { expected: vec![2, 2] };
        assert_eq!(of_context.check_condition(&Condition::none(), 2), Err(missing));
    }
}
