use super::*;

fn regex(pattern: &str) -> Constraint {
    Constraint::regex(pattern).unwrap()
}

fn schema(schema: &str) -> Constraint {
    Constraint::json_schema(schema, 2).unwrap()
}

fn check(constraint: &Constraint, yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(constraint.matches(text), "{text}");
    }
    for text in no {
        assert!(!constraint.matches(text), "{text}");
    }
}

#[test]
fn expressions_match_whole_texts() {
    check(&regex("a|bc"), &["a", "bc"], &["", "ab", "abc", "b"]);
    check(&regex("^(?:ab)+$"), &["ab", "abab"], &["", "aba"]);
    check(&regex("(^a|b)*c?"), &["", "ab", "bbc", "c"], &["ba", "aa", "cb"]);
    check(&regex("[é-ü]{2}."), &["éüz", "ééé"], &["éü", "abz"]);
    check(&regex("(?i)straße"), &["STRAßE", "straẞe"], &["strasse"]);
    check(&regex(r"\p{Greek}+\d"), &["αβγ1", "α٣"], &["a1", "α"]);
    check(&regex(""), &[""], &["a"]);
}

#[test]
fn expressions_that_cannot_be_are_errors() {
    for (pattern, part) in [
        ("a(", "unclosed group"),
        (r"\bword", "looks around"),
        ("(?m)^a", "looks around"),
        ("a[^\\s\\S]", "admits nothing"),
        ("a$b", "admits nothing"),
        ("[a&&b]", "admits nothing"),
        ("(?:(?:a{500}){500}){500}", "states"),
        ("(?:a|b)*a(?:a|b){20}", "states"),
    ] {
        let text = Constraint::regex(pattern).unwrap_err().to_string();
        assert!(text.contains(part), "{pattern}: {text}");
    }
}

#[test]
fn schemas_describe_values() {
    let person = schema(
        r##"{"type": "object", "title": "A person", "additionalProperties": false,
            "properties": {
                "name": {"type": "string", "maxLength": 3},
                "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 130},
                "tags": {"type": "array", "items": {"enum": ["x", "y", 1]}, "minItems": 1, "maxItems": 2},
                "of": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/yes"}]}},
            "required": ["name", "tags"], "$defs": {"yes": {"const": true}}}"##,
    );
    check(
        &person,
        &[
            r#"{"name": "Ann", "tags": ["x"]}"#,
            r#"{"name":"é\"\n","age":129,"tags":["y",1],"of":true}"#,
            r#"{"name": "", "age": 0, "tags": ["x"], "of": null}"#,
        ],
        &[
            r#"{"name": "Anna", "tags": ["x"]}"#,
            r#"{"tags": ["x"], "name": "Ann"}"#,
            r#"{"name": "Ann"}"#,
            r#"{"name": "Ann", "age": 130, "tags": ["x"]}"#,
            r#"{"name": "Ann", "age": -1, "tags": ["x"]}"#,
            r#"{"name": "Ann", "age": 007, "tags": ["x"]}"#,
            r#"{"name": "Ann", "tags": []}"#,
            r#"{"name": "Ann", "tags": ["x", "x", "x"]}"#,
            r#"{"name": "Ann", "tags": ["z"]}"#,
            r#"{"name": "Ann", "tags": ["x"],}"#,
            r#"{"name": "Ann", "tags": ["x"], "of": false}"#,
        ],
    );
    // None is required.
    let open =
        schema(r#"{"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}}"#);
    check(
        &open,
        &["{}", r#"{"a": 1}"#, r#"{"b": 2, "c": 3}"#, r#"{"a": 1,"c": 3}"#],
        &[r#"{, "c": 3}"#, r#"{"c": 3, "a": 1}"#, r#"{"a": 1 "c": 3}"#],
    );
    let pair = schema(
        r#"{"type": "array", "prefixItems": [{"type": "boolean"}, {"type": "null"}],
        "items": {"type": "integer"}, "maxItems": 3}"#,
    );
    check(&pair, &["[true, null]", "[false, null, -7]"], &["[true]", "[true, null, 1, 2]"]);
    let numbers = schema(r#"{"type": "number"}"#);
    check(&numbers, &["0", "-1.5", "1e-9", "12345"], &["01", "1.", ".5", "+1", "1e999", "NaN"]);
    let any = schema("{}");
    check(&any, &[r#"[{"a": 1, "b": null}, "x", 1.5]"#, "null", "{}"], &["[[[1]]]", "tru"]);
    // Lone surrogates are no text.
    check(
        &schema(r#"{"type": "string"}"#),
        &[r#""\u00e9""#],
        &[r#""\ud800""#, "\"\n\"", "\"\\x\""],
    );
}

#[test]
fn what_a_schema_admits_is_json() {
    // Every text of an enumeration is read back.
    for (schema, value) in [
        (r#"{"const": {"a\"b": [1, 2.5, null, "ü\\"]}}"#, r#"{"a\"b": [1, 2.5, null, "ü\\"]}"#),
        (r#"{"enum": ["\u0001"]}"#, "\"\\u0001\""),
    ] {
        let constraint = self::schema(schema);
        assert!(constraint.matches(value), "{schema}");
        serde_json::from_str::<serde_json::Value>(value).unwrap();
    }
}

#[test]
fn whole_numbers_lie_between_their_bounds() {
    for (low, high) in [(0, 0), (3, 17), (-12, 5), (-205, -98), (99, 1001), (7, 100), (-1, 10)] {
        let text = format!(r#"{{"type": "integer", "minimum": {low}, "maximum": {high}}}"#);
        let constraint = schema(&text);
        for n in -1100..1100 {
            assert_eq!(constraint.matches(&n.to_string()), (low..=high).contains(&n), "{text} {n}");
        }
        assert!(!constraint.matches("00") && !constraint.matches("05"));
    }
    let open = schema(r#"{"type": "integer", "exclusiveMinimum": 41}"#);
    check(&open, &["42", "999999999999999"], &["41", "0", "-42", "4", "1000000000000000"]);
}

#[test]
fn patterns_hold_within_strings() {
    let of = |pattern: &str| {
        let pattern = serde_json::to_string(pattern).unwrap();
        Constraint::json_schema(&format!(r#"{{"type": "string", "pattern": {pattern}}}"#), 1)
    };
    check(&of("^[A-Z]{2}$").unwrap(), &[r#""AB""#], &["\"ABC\"", "AB", "\"ab\""]);
    check(&of("ab").unwrap(), &[r#""ab""#, r#""xaby\n""#], &[r#""a b""#, "\"ab\n\""]);
    check(&of("^a|b$").unwrap(), &[r#""ax""#, r#""xb""#], &[r#""xa""#]);
    // A quote and a line break are written as JSON writes them.
    check(&of("^[\"\\n]\\\\$").unwrap(), &[r#""\"\\""#, r#""\n\\""#], &["\"\"\\\""]);
    assert!(of("a^b").unwrap_err().to_string().contains("looks around"));
    let date = Constraint::json_schema(r#"{"type": "string", "format": "date"}"#, 1).unwrap();
    check(&date, &[r#""2024-01-31""#, r#""2024-02-28""#], &[r#""2024-02-30""#, r#""2024-13-01""#]);
}

#[test]
fn definitions_may_refer_to_themselves() {
    let list = r##"{"$ref": "#/$defs/list", "$defs": {"list": {"type": "object", "required": ["next"],
        "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/list"}]}}}}}"##;
    let constraint = Constraint::json_schema(list, 2).unwrap();
    let nested = |n: usize| format!("{}null{}", r#"{"next": "#.repeat(n), "}".repeat(n));
    for n in 0..6 {
        assert_eq!(constraint.matches(&nested(n)), (1..=3).contains(&n), "{n}");
    }
    let endless =
        r##"{"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}}"##;
    assert_eq!(Constraint::json_schema(endless, 3), Err(ConstraintError::Nothing));
}

#[test]
fn schemas_that_cannot_be_are_named() {
    for (schema, part) in [
        ("{", "EOF"),
        ("3", "an object"),
        (r#"{"type": "text"}"#, "`type` text"),
        (r#"{"type": "array", "uniqueItems": true}"#, "`uniqueItems`"),
        (r#"{"properties": {"a": {"type": "number", "minimum": 1}}}"#, "#/properties/a: `minimum`"),
        (r#"{"type": "integer", "minimum": 1.5}"#, "`minimum`"),
        (r##"{"$ref": "#/$defs/a"}"##, "leads nowhere"),
        (r#"{"type": "string", "pattern": "a("}"#, "unclosed"),
        (r#"{"type": "string", "format": "email"}"#, "`format`"),
        (r#"{"oneOf": [{"type": "integer"}, {"type": "number"}]}"#, "part 0 and part 1"),
        (r#"{"type": "integer", "minimum": 3, "maximum": 2}"#, "admits nothing"),
        ("false", "admits nothing"),
    ] {
        let text = Constraint::json_schema(schema, 2).unwrap_err().to_string();
        assert!(text.contains(part), "{schema}: {text}");
    }
    let fine = r#"{"oneOf": [{"type": "integer"}, {"type": "string"}]}"#;
    check(&schema(fine), &["1", "\"1\""], &["1.5"]);
}
