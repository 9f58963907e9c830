use pyrogen_testkit::device;

use super::*;
use crate::{Binarise, Logit, Recipe, Step, digits};

fn host<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_to_vec().unwrap()
}

#[test]
fn batches_are_rows_in_the_order_asked_for() {
    let data = digits();
    let preparation = Preparation::fit(&Recipe::Unit, &data).unwrap();
    let flat: Prepared<2> = Prepared::new(data.clone(), preparation.clone()).unwrap();
    let shaped: Prepared<4> = Prepared::new(data.clone(), preparation).unwrap();
    let mut noise = Noise::new(Seed(1));
    let rows = [9, 0, 1796, 9];
    let a = flat.batch(&rows, &mut noise, &device());
    let b = shaped.batch(&rows, &mut noise, &device());
    assert_eq!((a.x.dims(), b.x.dims()), ([4, 64], [4, 1, 8, 8]));
    let expected: Vec<f32> = rows.iter().flat_map(|&r| data.row(r)).map(|v| v / 16.0).collect();
    assert_eq!(host(a.x), expected);
    assert_eq!(host(b.x), expected);
    let labels: Vec<i64> = b.labels.unwrap().into_data().iter().collect();
    let known = data.labels().unwrap();
    assert_eq!(labels, rows.map(|r| i64::from(known[r])));
    assert_eq!(noise.position(), 0); // nothing random was drawn
    assert_eq!((flat.len(), shaped.event_shape()), (1797, &[1, 8, 8][..]));
}

#[test]
fn a_part_of_a_batch_gets_the_numbers_of_the_whole() {
    let data = digits();
    for recipe in [
        Recipe::Dequantised { logit: Some(0.05) },
        Recipe::Binarised(Binarise::Dynamic),
        Recipe::Binarised(Binarise::Fixed { seed: Seed(3) }),
    ] {
        let preparation = Preparation::fit(&recipe, &data).unwrap();
        let examples: Prepared<2> = Prepared::new(data.clone(), preparation).unwrap();
        let noise = Noise::new(Seed(2));
        let rows = [4, 8, 15, 16, 23];
        let whole = host(examples.batch(&rows, &mut noise.clone(), &device()).x);
        let mut window = noise.rows(1..4, 5);
        let part = host(examples.batch(&rows[1..4], &mut window, &device()).x);
        assert_eq!(part, whole[64..256], "{recipe:?}");
    }
}

#[test]
fn a_step_outside_its_domain_is_an_error() {
    let data = digits();
    for steps in [
        vec![Step::Logit(Logit { alpha: 0.05 })],
        vec![Step::Logit(Logit { alpha: 0.05 }), Step::Binarise(Binarise::Dynamic)],
    ] {
        let random = steps.len() == 2;
        let preparation = Preparation::new(data.layout().clone(), steps).unwrap();
        let got = Prepared::<2>::new(data.clone(), preparation);
        // Whatever a binarisation makes of NaN is 0 or 1.
        assert_eq!(got.is_err(), !random);
    }
}

#[test]
#[should_panic(expected = "make batches of rank 2 or 4, not 3")]
fn another_rank_panics() {
    let data = digits();
    let preparation = Preparation::fit(&Recipe::Raw, &data).unwrap();
    let _ = Prepared::<3>::new(data, preparation);
}

#[test]
#[should_panic(expected = "row 1797 of 1797")]
fn a_row_out_of_range_panics() {
    let data = digits();
    let preparation = Preparation::fit(&Recipe::Raw, &data).unwrap();
    let examples = Prepared::<2>::new(data, preparation).unwrap();
    let _ = examples.values(&[1797], &mut Noise::new(Seed(0)));
}

#[test]
fn contexts_are_made_from_raw_pictures_whatever_the_preparation() {
    let data = digits();
    let small: PictureContext = "small:4".parse().unwrap();
    let unit = data.layout().to_unit(data.row(5));
    let expected = small.of_pictures(&unit, &[1, 8, 8]).unwrap();
    for recipe in [Recipe::Unit, Recipe::Dequantised { logit: None }] {
        let preparation = Preparation::fit(&recipe, &data).unwrap();
        let plain: Prepared<2> = Prepared::new(data.clone(), preparation).unwrap();
        assert!(plain.batch(&[5], &mut Noise::new(Seed(1)), &device()).context.is_none());
        let conditional = plain.with_context(Some(small)).unwrap();
        let batch = conditional.batch(&[9, 5], &mut Noise::new(Seed(1)), &device());
        assert_eq!(host(batch.context.unwrap())[64..], expected, "{recipe:?}");
    }
    let preparation = Preparation::fit(&Recipe::Unit, &data).unwrap();
    let plain: Prepared<2> = Prepared::new(data, preparation).unwrap();
    let error = plain.with_context(Some(PictureContext::Small { factor: 3 })).unwrap_err();
    assert!(error.to_string().contains("divides height and width"), "{error}");
}

#[test]
fn data_that_is_read_as_it_is_needed_makes_the_same_batches() {
    let data = crate::Data::from_dataset(digits());
    let rows: Vec<usize> = (0..1797).rev().collect();
    for recipe in [Recipe::Unit, Recipe::Dequantised { logit: None }, Recipe::Standardised] {
        let preparation = Preparation::fit(&recipe, &digits()).unwrap();
        let whole = Prepared::<2>::new(digits().subset(&rows), preparation.clone()).unwrap();
        let part = Prepared::<2>::of(&data.select(&rows), preparation).unwrap();
        let read =
            |e: &Prepared<2>| host(e.batch(&[5, 1796], &mut Noise::new(Seed(1)), &device()).x);
        assert_eq!(read(&part), read(&whole), "{recipe:?}");
        assert_eq!(part.data().labels(), whole.data().labels());
    }
    let text = crate::Data::Text(crate::Text::new(["a"]));
    let preparation = Preparation::fit(&Recipe::Unit, &digits()).unwrap();
    assert!(Prepared::<2>::of(&text, preparation).is_err());
}
