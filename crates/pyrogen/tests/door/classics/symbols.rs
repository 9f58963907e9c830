//! Hidden Markov models of words.

use pyrogen::data::Loaded;

use super::*;

const WORDS: [&str; 6] = ["ace", "deuce", "four", "six", "ten", "trey"];

/// The rolls of a die: the numbers 1 to 6, or words that stand for them.
fn rolls(as_words: bool) -> Loaded {
    let Data::Sequences(numbers) = items_of("hmm-symbols") else { panic!("sequences") };
    let mut text = "id,die\n".to_string();
    for (i, length) in numbers.lengths().iter().enumerate() {
        for step in 0..*length {
            let cell = numbers.cell(i, step, 0);
            let word = cell.parse::<usize>().map(|face| WORDS[face - 1].to_string());
            text += &format!("{i},{}\n", if as_words { word.unwrap_or_default() } else { cell });
        }
    }
    step_table(&text)
}

fn step_table(text: &str) -> Loaded {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("s.csv");
    std::fs::write(&path, text).unwrap();
    pyrogen::read(&format!("sequences:{}", path.display())).unwrap()
}

#[test]
fn words_are_learnt_as_the_numbers_that_they_stand_for() {
    let room = tempfile::tempdir().unwrap();
    let train = |data: &Loaded, name: &str, set: &[&str]| {
        let mut wish = Wish::into(room.path().join(name)).on(&Device::flex());
        (wish.partition.test, wish.partition.validation) = (0.0, 0.0);
        for set in set {
            wish = wish.set(*set);
        }
        pyrogen::train("hmm", data, &wish, &mut Quiet, &go())?;
        pyrogen::open(room.path().join(name), &Device::flex())
    };
    let (numbers, words) = (rolls(false), rolls(true));
    let by_numbers = train(&numbers, "a", &["states=2", "emission=categorical"]).unwrap();
    // One column of words has this emission without asking.
    let by_words = train(&words, "b", &["states=2"]).unwrap();
    let nats = |model: &Model, data: &Loaded| {
        model.score(&data.data, &Request::seed(1), &go()).unwrap().nats().to_vec()
    };
    assert_eq!(nats(&by_words, &words), nats(&by_numbers, &numbers));
    let drawn = |model: &Model| {
        let Data::Sequences(drawn) = model.generate(5, &Request::seed(2), &go()).unwrap() else {
            panic!("sequences")
        };
        let lengths = drawn.lengths().to_vec();
        let cells = |i: usize| (0..lengths[i]).map(|t| drawn.cell(i, t, 0)).collect::<Vec<_>>();
        (0..5).flat_map(cells).collect::<Vec<String>>()
    };
    let faces = drawn(&by_numbers).into_iter().map(|f| WORDS[f.parse::<usize>().unwrap() - 1]);
    assert_eq!(drawn(&by_words), faces.collect::<Vec<_>>());
    // Other data has other places for its words.
    let few = step_table("id,die\n0,six\n0,ace\n1,six\n1,\n");
    let same = step_table("id,die\n0,4\n0,1\n1,4\n1,\n");
    assert_eq!(nats(&by_words, &few), nats(&by_numbers, &same));
    let answers = by_words.query(&few.data, &Request::seed(1), &go()).unwrap();
    let Marginal::Discrete { values, .. } = &answers[1][0].1 else { panic!("{answers:?}") };
    assert_eq!(values, &WORDS);

    let refused = |model: &Model, data: &Loaded| {
        model.score(&data.data, &Request::seed(1), &go()).unwrap_err().to_string()
    };
    let text = refused(&by_words, &step_table("id,die\n0,six\n0,seven\n"));
    assert!(text.contains("`seven` was not seen in training, which saw ace, deuce"), "{text}");
    assert!(refused(&by_words, &numbers).contains("must hold words, as in training, got numbers"));
    assert!(refused(&by_numbers, &words).contains("must hold numbers, as in training, got words"));
    let text = train(&words, "c", &["emission=gaussian"]).err().unwrap().to_string();
    assert!(text.contains("`die` holds words (ace, deuce, four)"), "{text}");
}
