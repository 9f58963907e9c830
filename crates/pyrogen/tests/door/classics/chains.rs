//! Markov chains of texts.

use super::*;

#[test]
fn texts_are_streamed_completed_and_scored_by_token_and_byte() {
    for name in ["markov", "markov-words"] {
        let (model, request) = (opened(name), Request::seed(8).set("max_tokens", 60));
        for prompt in ["", "So long ", "Shall zyzzyva", "Weiß "] {
            let request = request.clone().set("prompt", prompt);
            let many = model.generate(4, &request, &go()).unwrap();
            let Data::Text(many) = many else { panic!("text") };
            for item in 0..4 {
                let control = go();
                let pieces = model.streamer().unwrap().stream(item, &request, &control).unwrap();
                let text: String = pieces
                    .map(|piece| match piece.unwrap() {
                        Data::Text(piece) => piece.documents()[0].to_string(),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                assert_eq!(text, many.documents()[item as usize].as_ref(), "{name}");
                assert!(text.starts_with(prompt), "{name}: {text}");
                assert!(name == "markov" || !text.contains("  "), "{name}: {text}");
            }
        }
        let control = go();
        let mut pieces = model.streamer().unwrap().stream(0, &request, &control).unwrap();
        assert!(pieces.next().unwrap().is_ok());
        control.cancel();
        assert_eq!(pieces.next().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(pieces.next().is_none());
        drop(pieces);

        let prompts = Data::Text(Text::new(["So long ", "Shall zyzzyva", ""]));
        let done = model.complete(&Given::new(prompts.clone()), &request, &go()).unwrap();
        let (Data::Text(done), Data::Text(prompts)) = (done, prompts) else { panic!("text") };
        for (done, prompt) in done.documents().iter().zip(prompts.documents()) {
            assert!(done.starts_with(prompt.as_ref()), "{done} {prompt}");
        }
        // A blank at the end of a prompt is the one before the next word.
        let first = &done.documents()[0];
        assert!(name == "markov" || !first.contains("  "), "{first}");

        // A text with tokens that training did not see has a probability, too.
        let texts = Data::Text(Text::new(["So long lives this", "Ünseen 雪 words"]));
        let by = |unit| model.score(&texts, &Request::seed(1).set("unit", unit), &go()).unwrap();
        let (token, byte) = (by("token"), by("byte"));
        assert_eq!(token.nats(), byte.nats());
        assert!(token.nats().iter().all(|v| v.is_finite() && *v < 0.0), "{token:?}");
        assert_eq!(byte.units(), "So long lives this".len() + "Ünseen 雪 words".len());
        let answers = model.query(&texts, &Request::seed(1).set("top", 5), &go()).unwrap();
        let (what, Marginal::Discrete { values, probabilities }) = &answers[0][0] else { panic!() };
        assert_eq!((what.as_str(), values.len()), ("next", 6));
        assert!(probabilities[..5].is_sorted_by(|a, b| a >= b), "{probabilities:?}");
        assert_eq!(values[5], "(other tokens)");
    }
}

#[test]
fn the_probabilities_of_all_short_texts_add_up_to_one_at_most() {
    // Characters: every text of up to three of the letters of the verses, each with its end.
    let model = opened("markov");
    let Data::Text(verses) = items_of("markov") else { panic!("text") };
    let mut letters: Vec<char> = verses.documents().iter().flat_map(|d| d.chars()).collect();
    letters.sort_unstable();
    letters.dedup();
    let mut texts = vec![String::new()];
    let mut from = 0;
    for _ in 0..2 {
        let to = texts.len();
        for i in from..to {
            for letter in &letters {
                texts.push(format!("{}{letter}", texts[i]));
            }
        }
        from = to;
    }
    let count = texts.len();
    let scores = model.score(&Data::Text(Text::new(texts)), &Request::seed(1), &go()).unwrap();
    let total: f64 = scores.nats().iter().map(|v| v.exp()).sum();
    assert!(total > 0.0 && total < 1.0, "{count} texts: {total}");
}

#[test]
fn words_that_copy_are_drawn_again_and_a_failure_has_its_reason() {
    let model = opened("markov-words");
    let Data::Text(verses) = items_of("markov-words") else { panic!("text") };
    let source: Vec<String> = verses.documents().iter().map(|d| format!(" {d} ")).collect();
    let request = Request::seed(3).set("overlap", 4).set("tries", 2000);
    let Data::Text(made) = model.generate(10, &request, &go()).unwrap() else { panic!("text") };
    for text in made.documents() {
        let words: Vec<&str> = text.split(' ').collect();
        for run in words.windows(5) {
            let run = format!(" {} ", run.join(" "));
            assert!(!source.iter().any(|line| line.contains(&run)), "{text}: {run}");
        }
    }
    let error = model.generate(5, &Request::seed(3).set("overlap", 1).set("tries", 1), &go());
    let text = error.unwrap_err().to_string();
    assert!(text.contains("copy more than 1 words") && text.contains('`'), "{text}");
    let error = opened("markov").generate(1, &Request::seed(1).set("overlap", 3), &go());
    assert!(error.unwrap_err().to_string().contains("the tokens are words"));
}
