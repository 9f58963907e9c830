use std::collections::HashSet;
use std::fmt::Write;

use crate::{Constraint, ConstraintError};

fn grammar(text: &str, depth: usize) -> Constraint {
    Constraint::grammar(text, depth).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

const SUMS: &str = r#"
    start: start ("+" | "-") product | product
    product: product ("*" | "/") factor | factor
    factor: "1" | "-" factor | "(" start ")"
"#;

const JSON: &str = r#"
    start: object | array | ESCAPED_STRING | SIGNED_NUMBER | "true" | "false" | "null"
    array: "[" [start ("," start)*] "]"
    object: "{" [ESCAPED_STRING ":" start ("," ESCAPED_STRING ":" start)*] "}"
    %import common (ESCAPED_STRING, SIGNED_NUMBER)
"#;

#[test]
fn a_rule_stands_within_itself_so_often() {
    for text in [
        r#"start: "(" start ")" | "x""#,
        "start: a | \"x\"\na: \"(\" b\nb: start \")\"",
        "start: \"(\" a \")\" | \"x\"\n?a: start",
        "start: [\"(\" start \")\"] // Or nothing.\n",
    ] {
        let inner = if text.contains('x') { "x" } else { "" };
        for depth in 0..5 {
            let constraint = grammar(text, depth);
            for n in 0..9 {
                let (open, close) = ("(".repeat(n), ")".repeat(n));
                let whole = format!("{open}{inner}{close}");
                assert_eq!(constraint.matches(&whole), n <= depth, "{text} {n}");
                assert!(!constraint.matches(&format!("{whole})")));
            }
        }
    }
    let deep = grammar("start: \"(\" start \")\" | \"x\"", 100);
    assert!(deep.matches(&format!("{}x{}", "(".repeat(100), ")".repeat(100))));
    // Repetition is no depth.
    let constraint = grammar(SUMS, 0);
    assert!(constraint.matches(&format!("{}1{}", "-".repeat(30), "*1+1".repeat(30))));
    assert!(!constraint.matches("(1)"));
}

#[test]
fn automata_stay_small() {
    // Of each level once: what is repeated is read in the same states.
    for depth in 0..5 {
        assert_eq!(grammar(SUMS, depth).automaton.states(), 3 + 2 * depth);
    }
    // A value stands in lists and in objects.
    let states = [0, 1, 2, 3, 4].map(|depth| grammar(JSON, depth).automaton.states());
    assert!(states.windows(2).all(|pair| pair[1] < 2 * pair[0] + 100), "{states:?}");
}

#[test]
fn what_is_ignored_stands_before_terminals_and_at_the_end() {
    let constraint = grammar("start: \"a\" B?\nB: \"b\" \"c\"\n%ignore \" \"\n%ignore /#+/", 0);
    for text in ["a", " a", "a # ", "##a", "# a", "a bc ", "a#bc"] {
        assert!(constraint.matches(text), "{text:?}");
    }
    for text in ["ab c", " ", "a b", "#"] {
        assert!(!constraint.matches(text), "{text:?}");
    }
    // A comment goes on to the end of its line.
    for ignored in ["%ignore WS\n%ignore SH_COMMENT", "%ignore (WS | SH_COMMENT)+"] {
        let text = format!("start: \"a\"+\n{ignored}\n%import common (WS, SH_COMMENT)");
        let constraint = grammar(&text, 0);
        for text in ["a#a", "#a\na", "# a # a\n \t a a # é", "##\n\n#\n#\na", "aa"] {
            assert!(constraint.matches(text), "{text:?}");
        }
        for text in ["#a", "#a a", "# \n#a", "#é a", ""] {
            assert!(!constraint.matches(text), "{text:?}");
        }
    }
    // A terminal may begin like what is ignored, but not behind it.
    let constraint = grammar("start: \"a\" / *b/\n%ignore / +/", 0);
    assert!(["ab", "a b", "a   b ", " a b"].iter().all(|text| constraint.matches(text)));
    let constraint = grammar("start: /a?b/ | \"c\"\n%ignore /#a*/", 0);
    assert!(
        ["#b", "#aab", "#ac", "#ab", "ab", "a"].map(|text| constraint.matches(text))
            == [true, true, true, true, true, false]
    );
    let constraint = grammar("start: \"a\" \" b\"\n%ignore / +/", 0);
    assert!(constraint.matches("a b") && !constraint.matches("a  b"));
    let constraint = grammar("start: \"a\"*\n%ignore \" \"", 0);
    assert!(["", " ", "aa", " a  a "].iter().all(|text| constraint.matches(text)));
}

#[test]
fn an_alternative_that_matches_nothing_is_left_out() {
    let constraint = grammar("start: A | \"c\"\nA: \"b\" | /[^\\s\\S]/", 0);
    assert!(constraint.matches("b") && constraint.matches("c") && !constraint.matches(""));
}

#[test]
fn grammars_that_cannot_be_are_named_with_their_line() {
    for (text, at, part) in [
        ("", 1, "no rule `start`"),
        ("// Nothing.\n", 1, "no rule `start`"),
        ("begin: \"a\"\n", 1, "no rule `start`"),
        ("start: a\n", 1, "the rule `a` is not defined"),
        ("start: \"a\"\n\nb: [A]\n", 3, "the terminal `A` is not defined"),
        ("start: \"a\"\nA: B\nB: \"x\" A\n", 3, "`A` contains itself"),
        ("start: \"a\"\nA: start\n", 2, "the rule `start` stands in a terminal"),
        ("start: \"a\"\nb: \"x\" c\nc: b | \"y\" c\n", 2, "`b` matches nothing"),
        ("start: start", 1, "`start` matches nothing"),
        ("start: b\nb: \"x\" c\nc: \"y\"? d\nd: c | d \"z\"", 3, "`c` matches nothing"),
        ("start: /[^\\s\\S]/", 1, "matches nothing"),
        ("start: \"a\"\nstart: \"b\"", 2, "defined in line 1 already"),
        ("start: \"\"", 1, "matches the empty text"),
        ("start: A\nA: \"a\"*", 1, "`A` matches the empty text"),
        ("start: \"a\"\n%ignore /x*/", 2, "matches the empty text"),
        ("start: \"a\"\n%ignore start", 2, "is ignored"),
        ("start: \"a\"\n%ignore WS", 2, "`WS` is not defined"),
        ("start: \"a\" /b(?=c)/", 1, "look-ahead"),
        ("start: /a$/", 1, "`^` and `$`"),
        ("start: /a\\b/", 1, "looks around"),
        ("start: /(a)\\1/", 1, "backreferences"),
        ("start: \"a\" |\n  /a(/", 2, "not the pattern"),
        ("start: \"a\"\n  | /a(/", 2, "unclosed"),
        ("start: /a.*?b/", 1, "`*?`"),
        ("start: /a/m", 1, "flag `m`"),
        ("start: \"a", 1, "does not end on its line"),
        ("start: /a\n", 1, "does not end on its line"),
        ("start: \"\\d\"", 1, "`\\d` is not known"),
        ("start: \"\\ud800\"", 1, "is no character"),
        ("start: \"b\"..\"a\"", 1, "is no range"),
        ("start: \"ab\"..\"c\"", 1, "is no range"),
        ("start: \"a\"..c", 1, "expected a text of one character, got `c`"),
        ("start: (\"a\"\n\nb: \"c\"", 3, "the `(` of line 1 is open"),
        ("start: \"a\")", 1, "end of the line, got `)`"),
        ("start: \"a\" ~ 3..2", 1, "is no range"),
        ("start: \"a\" ~ -1", 1, "number of repetitions"),
        ("start: \"a\" ~ x", 1, "number of repetitions"),
        ("start: \"a\" ~ 99999999999999999999", 1, "too large"),
        ("start: \"a\"*+", 1, "got `+`"),
        ("start \"a\"", 1, "expected `:`"),
        ("start: \"a\"\n\"b\"", 2, "begins here, not the text"),
        ("start: \"a\" & \"b\"", 1, "`&` is not known"),
        ("start: pair{\"a\"}", 1, "templates"),
        ("pair{a}: a a", 1, "templates"),
        ("start: \"a\"\n%declare A", 2, "`%declare`"),
        ("%import common.SMILE\nstart: \"a\"", 1, "`common.SMILE` is not known"),
        ("%import python.NAME\nstart: \"a\"", 1, "`common` alone"),
        ("%import common.WS -> blank\nstart: \"a\"", 1, "is a terminal"),
        ("%import common.WS\nstart: \"a\"\nWS: \" \"", 3, "already"),
        ("Start: \"a\"", 1, "`Start` is no name"),
        ("start: \"a\"\n__: \"a\"", 2, "`__` is no name"),
    ] {
        match Constraint::grammar(text, 2) {
            Err(ConstraintError::Grammar { line, message }) => {
                assert!(message.contains(part), "{text}: {message}");
                assert_eq!(line, at, "{text}: {message}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn grammars_that_become_too_large_are_errors() {
    let bracket = r#"start: "(" start ")" | "x""#;
    let deep = format!("start: {}\"a\"{}", "(".repeat(60), ")".repeat(60));
    let doubled = |name: &str| {
        let mut text = format!("start: {name}30\n{name}0: \"a\"\n");
        for i in 0..30 {
            writeln!(text, "{name}{}: {name}{i} {name}{i}", i + 1).unwrap();
        }
        text
    };
    let mut dense = String::from("start: r0\n");
    for i in 0..60 {
        let others: String = (0..60)
            .map(|j| format!(" | \"{}\" r{j}", char::from(b'a' + (i + j) as u8 % 26)))
            .collect();
        writeln!(dense, "r{i}: \"z\"{others}").unwrap();
    }
    let many = |name: &str| (0..20_000).map(|i| format!("{name} \"{i}\" | ")).collect::<String>();
    let wide = format!("start: ({} \"x\") ({} \"y\")\n", many("start"), many("start"));
    let square = format!("start: a a | \"x\"\na: {} \"y\"", many("start"));
    for (text, depth, part) in [
        (wide.as_str(), 0, "parts"),
        (&square, 0, "parts"),
        (bracket, 1_000_000, "levels"),
        (&deep, 1, "50 brackets"),
        (JSON, 40, "parts"),
        (&doubled("r"), 0, "parts"),
        (&doubled("R"), 0, "parts"),
        (&dense, 0, "parts"),
        ("start: ((\"a\"~1000)~1000)~1000", 0, "states"),
        ("start: \"a\"~70000", 0, "states"),
    ] {
        let error = Constraint::grammar(text, depth).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// Alternatives of symbols that may be left out: letters, and rules in upper case.
type Rules = Vec<Vec<Vec<(char, bool)>>>;

fn written(rules: &Rules) -> String {
    let symbol = |&(symbol, may): &(char, bool)| {
        let name = match symbol {
            'A' => "start".to_string(),
            'B'..='Z' => symbol.to_ascii_lowercase().to_string(),
            _ => format!("{symbol:?}").replace('\'', "\""),
        };
        format!("{name}{}", if may { "?" } else { "" })
    };
    let mut out = String::new();
    for (i, alternatives) in rules.iter().enumerate() {
        let name = symbol(&((b'A' + i as u8) as char, false));
        let alternative = |items: &Vec<_>| items.iter().map(symbol).collect::<Vec<_>>().join(" ");
        let body: Vec<String> = alternatives.iter().map(alternative).collect();
        writeln!(out, "{name}: {}", body.join(" | ")).unwrap();
    }
    out
}

/// Whether the first rule has a text: which rule has which piece of it is found until nothing is new.
fn derives(rules: &Rules, text: &[char]) -> bool {
    let mut known: HashSet<(usize, usize, usize)> = HashSet::new();
    loop {
        let before = known.len();
        for (rule, alternatives) in rules.iter().enumerate() {
            for from in 0..=text.len() {
                for items in alternatives {
                    let mut places = HashSet::from([from]);
                    for &(symbol, may) in items {
                        let mut next = if may { places.clone() } else { HashSet::new() };
                        for &at in &places {
                            match symbol {
                                'A'..='Z' => {
                                    let other = usize::from(symbol as u8 - b'A');
                                    let ends = at..=text.len();
                                    next.extend(
                                        ends.filter(|&to| known.contains(&(other, at, to))),
                                    );
                                }
                                _ => next.extend((text.get(at) == Some(&symbol)).then_some(at + 1)),
                            }
                        }
                        places = next;
                    }
                    known.extend(places.into_iter().map(|to| (rule, from, to)));
                }
            }
        }
        if known.len() == before {
            return known.contains(&(0, 0, text.len()));
        }
    }
}

/// All texts of `a` and `b` of at most so many letters.
fn texts(letters: usize) -> Vec<Vec<char>> {
    let of =
        |n: usize| (0..1 << n).map(move |bits| (0..n).map(|i| ['a', 'b'][bits >> i & 1]).collect());
    (0..=letters).flat_map(of).collect()
}

/// Whole numbers below a bound, one after the other.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }

    fn letter(&mut self) -> (char, bool) {
        (['a', 'b'][self.below(2)], self.below(5) == 0)
    }

    fn rule(&mut self, rules: usize) -> (char, bool) {
        ((b'A' + self.below(rules) as u8) as char, self.below(5) == 0)
    }

    fn letters(&mut self, most: usize) -> Vec<(char, bool)> {
        (0..self.below(most + 1)).map(|_| self.letter()).collect()
    }
}

#[test]
fn repetition_is_exact_at_depth_zero() {
    let texts = texts(6);
    let mut dice = Dice(1);
    for round in 0..120 {
        let rules = 1 + dice.below(3);
        // Rules at the right ends alone, at the left ends alone, or one rule at both.
        let kind = round % 3;
        let rules = if kind == 2 { 1 } else { rules };
        let alternative = |dice: &mut Dice, i: usize| {
            if i == 0 {
                // Every rule ends.
                let mut items = dice.letters(2);
                items.push((['a', 'b'][dice.below(2)], false));
                return items;
            }
            let mut items = dice.letters(2);
            let end = dice.rule(rules);
            match kind {
                0 => items.push(end),
                1 => items.insert(0, end),
                _ => {
                    let ends = dice.below(3);
                    if ends != 1 {
                        items.insert(0, ('A', false));
                    }
                    if ends != 0 {
                        items.push(('A', false));
                    }
                }
            }
            items
        };
        let one = |dice: &mut Dice| {
            let alternatives = 2 + dice.below(3);
            (0..alternatives).map(|i| alternative(dice, i)).collect()
        };
        let rules: Rules = (0..rules).map(|_| one(&mut dice)).collect();
        let text = written(&rules);
        let constraint = grammar(&text, 0);
        for letters in &texts {
            let whole: String = letters.iter().collect();
            assert_eq!(constraint.matches(&whole), derives(&rules, letters), "{text}{whole}");
        }
    }
}

#[test]
fn any_grammar_is_exact_to_its_depth() {
    const LETTERS: usize = 3;
    let texts = texts(LETTERS);
    let mut dice = Dice(2);
    let mut whole = 0;
    for _ in 0..40 {
        let rules = 1 + dice.below(3);
        let one = |dice: &mut Dice| {
            let mut alternatives = vec![vec![(['a', 'b'][dice.below(2)], false)]];
            for _ in 0..1 + dice.below(2) {
                let item = |dice: &mut Dice| match dice.below(2) {
                    0 => dice.letter(),
                    _ => dice.rule(rules),
                };
                let items = dice.below(4);
                alternatives.push((0..items).map(|_| item(dice)).collect());
            }
            alternatives
        };
        let rules: Rules = (0..rules).map(|_| one(&mut dice)).collect();
        let text = written(&rules);
        let truth: Vec<bool> = texts.iter().map(|letters| derives(&rules, letters)).collect();
        let mut before = vec![false; texts.len()];
        // A text of so many letters is derived with a rule at most so often within itself.
        for depth in 0..=LETTERS {
            let constraint = match Constraint::grammar(&text, depth) {
                Ok(constraint) => constraint,
                Err(e) if e.to_string().contains("less deep") => break,
                Err(e) if e.to_string().contains("smaller depth") => break,
                Err(e) => panic!("{text}{e}"),
            };
            let found =
                |letters: &Vec<char>| constraint.matches(&letters.iter().collect::<String>());
            let found: Vec<bool> = texts.iter().map(found).collect();
            for (i, letters) in texts.iter().enumerate() {
                assert!(!found[i] || truth[i], "{text}{depth}: {letters:?} is no text");
                assert!(!before[i] || found[i], "{text}{depth}: {letters:?} is missing");
            }
            if depth == LETTERS {
                assert_eq!(found, truth, "{text}");
                whole += 1;
            }
            before = found;
        }
    }
    assert!(whole > 25, "{whole}");
}
