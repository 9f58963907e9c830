//! What is refused, and what diversity and overlap come to in small cases.

use std::collections::HashSet;

use pyrogen_core::{Noise, Seed};
use pyrogen_metrics::text::{
    Bleu, Chrf, Corpus, Distinct, MauveOptions, Meteor, PairedTest, Rouge, SegmentMetric,
    SegmentStatistics, Smoothing, TextError, Tokenizer, distinct_ids, mauve_of_counts,
    ngram_overlap, paired, repetition, self_bleu,
};

#[test]
fn corpora_that_are_none() {
    let none: [&str; 0] = [];
    let says = |result: Result<Corpus, TextError>| result.unwrap_err().to_string();
    assert!(says(Corpus::new(&none, &[none])).contains("no segments"));
    assert!(says(Corpus::new(&["a"], &[] as &[[&str; 1]])).contains("no references"));
    let lengths = says(Corpus::new(&["a", "b"], &[vec!["a", "b"], vec!["a"]]));
    assert!(lengths.contains("2 hypotheses, but 1 references in stream 2"), "{lengths}");
    let streams = [[Some("a"), None], [Some("b"), None]];
    assert!(
        says(Corpus::with_missing(&["a", "b"], &streams)).contains("segment 2 has no reference")
    );
}

#[test]
fn options_outside_their_range() {
    let corpus = Corpus::new(&["a"], &[["a"]]).unwrap();
    let bleu = |b: Bleu| b.evaluate(&corpus).unwrap_err().to_string();
    for order in [0, 65] {
        let says = bleu(Bleu { max_order: order, ..Bleu::default() });
        assert_eq!(says, format!("bleu: `max_order` must be from 1 to 64, got {order}"));
    }
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let says = bleu(Bleu { smoothing: Smoothing::Floor(value), ..Bleu::default() });
        assert!(says.contains("`smoothing` must be a number above 0"), "{says}");
    }
    let chrf = |c: Chrf| c.evaluate(&corpus).unwrap_err().to_string();
    assert!(chrf(Chrf { char_order: 0, ..Chrf::default() }).contains("`char_order`"));
    assert!(chrf(Chrf { word_order: 65, ..Chrf::default() }).contains("`word_order`"));
    assert!(chrf(Chrf { beta: 0, ..Chrf::default() }).contains("`beta`"));
    let rouge = Rouge { sentence_break: Some(String::new()), ..Rouge::default() };
    assert!(rouge.evaluate(&corpus).unwrap_err().to_string().contains("`sentence_break`"));
    let meteor = Meteor { alpha: 1.5, ..Meteor::default() };
    assert!(meteor.evaluate(&corpus).unwrap_err().to_string().contains("`alpha`"));
    assert!(self_bleu(&["a"], &Bleu::default()).unwrap_err().to_string().contains("at least 2"));
    let options = MauveOptions::default();
    for (p, q) in
        [(vec![1.0], vec![1.0, 2.0]), (vec![0.0], vec![1.0]), (vec![-1.0, 3.0], vec![1.0, 1.0])]
    {
        assert!(mauve_of_counts(&p, &q, &options).unwrap_err().to_string().contains("`counts`"));
    }
}

#[test]
fn systems_of_different_corpora() {
    let metric = Chrf::default();
    let of = |h: &[&str]| SegmentStatistics::of(&metric, &Corpus::new(h, &[h]).unwrap()).unwrap();
    let test = PairedTest::Randomisation { trials: 10 };
    let result = paired(&metric, &of(&["a"]), &of(&["a", "b"]), test, &Noise::new(Seed(1)));
    assert!(result.unwrap_err().to_string().contains("the baseline has 1 segments, the system 2"));
}

fn draw(noise: &mut Noise, texts: usize, kinds: f64) -> Vec<Vec<u32>> {
    (0..texts)
        .map(|i| noise.uniform_vec(i % 12).iter().map(|u| (u * kinds) as u32).collect())
        .collect()
}

#[test]
fn distinct_and_overlap_as_counted_with_sets() {
    let mut noise = Noise::new(Seed(2));
    let (generated, training) = (draw(&mut noise, 60, 5.0), draw(&mut noise, 200, 5.0));
    let shares = distinct_ids(&generated, 13);
    for n in 1..=13 {
        let grams: Vec<&[u32]> = generated.iter().flat_map(|t| t.windows(n)).collect();
        let different: HashSet<&[u32]> = grams.iter().copied().collect();
        let expected = different.len() as f64 / grams.len().max(1) as f64;
        assert_eq!(shares[n - 1], expected, "order {n}");
        let known: HashSet<&[u32]> = training.iter().flat_map(|t| t.windows(n)).collect();
        let copied = grams.iter().filter(|g| known.contains(*g)).count();
        let expected = copied as f64 / grams.len().max(1) as f64;
        assert_eq!(ngram_overlap(&generated, &training, n), expected, "order {n}");
    }
    assert!(shares[0] < 0.1 && shares[5] > 0.9 && shares[12] == 0.0);
}

#[test]
fn overlap_reads_long_texts_in_pieces_without_a_gap() {
    let training: Vec<u32> = (0..200_000).collect();
    let place = 65_536; // where a piece ends
    for start in place - 9..place + 2 {
        let generated = [training[start..start + 8].to_vec()];
        assert_eq!(ngram_overlap(&generated, &[&training], 8), 1.0, "{start}");
    }
    assert_eq!(ngram_overlap(&[[5, 5, 5]], &[&training], 2), 0.0);
}

#[test]
fn texts_without_ngrams() {
    let none: [Vec<u32>; 2] = [vec![], vec![1]];
    assert_eq!(repetition(&none, 4), 0.0);
    assert_eq!(ngram_overlap(&none, &none, 8), 0.0);
    let distinct = Distinct { tokenizer: Tokenizer::None, ..Distinct::default() };
    assert_eq!(distinct.of(&["", "  "]).unwrap(), [0.0; 4]);
    assert!(distinct.of(&[] as &[&str]).is_err());
}
