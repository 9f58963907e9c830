use super::*;
use crate::Modality;

#[test]
fn text_round_trips() {
    for text in [
        "digits",
        "mnist:a/b",
        "idx:x,,y.gz",
        "npy:C:/x.npy",
        "images:d",
        "images:d,size=28x14,crop,grey",
        "csv:t.csv",
        "csv:t,,1.csv,label=a,,b,categorical=c,categorical=d,missing=drop,header=no",
        "csv:t.csv,missing=category,header=yes",
        "csv:t.csv,label=a=b",
        "text:a.txt,lines",
        "pairs:p.tsv",
        "pairs:t.csv,source=de,target=en",
        "pairs:a.de,targets=a.en",
        "sequences:s.csv,id=who,time=when",
        "toy:moons",
        "toy:gaussian-grid,examples=50",
    ] {
        let source: Source = text.parse().unwrap();
        assert_eq!(source.to_string(), text);
        assert_eq!(source.to_string().parse::<Source>().unwrap(), source);
    }
    let source: Source = "idx:x,,y.gz".parse().unwrap();
    assert_eq!(source, Source::new("idx", "x,y.gz", &[]).unwrap());
    let labelled = Source::new("csv", "t.csv", &["label=a,b"]).unwrap();
    assert_eq!(labelled, "csv:t.csv,label=a,,b".parse().unwrap());
}

#[test]
fn unknown_sources_and_options_are_errors_that_list_the_known() {
    for text in ["", "digit", "webcam:x", "mnist:", "csv:,label=a", "digits:x"] {
        let error = text.parse::<Source>().unwrap_err().to_string();
        assert!(error.contains("images:DIR") && error.contains("digits"), "{error}");
        assert!(error.contains(&format!("`{text}`")), "{error}");
    }
    for (text, says) in [
        ("images:d,size=28", "size=WIDTHxHEIGHT"),
        ("images:d,size=0x3", "from 1 to"),
        ("images:d,size=99999x3", "from 1 to"),
        ("images:d,crop", "together with size"),
        ("images:d,colour", "size=WIDTHxHEIGHT, crop, grey"),
        ("images:d,crop=yes", "size=WIDTHxHEIGHT, crop, grey"),
        ("csv:f,missing=zero", "missing=error|drop"),
        ("csv:f,label=", "label=COLUMN"),
        ("csv:f,label", "label=COLUMN"),
        ("idx:f,grey", "takes no options"),
        ("text:f,words", "one of lines, documents"),
        ("text:f,lines,documents", "without `documents`"),
        ("pairs:f,source=a", "together with `target`"),
        ("pairs:f,target=a", "together with `source`"),
        ("pairs:f,lines", "source=COLUMN, target=COLUMN, targets=FILE"),
        ("pairs:f,source=a,target=b,targets=g", "without `source`"),
        ("sequences:f,group=a", "one of id=COLUMN, time=COLUMN"),
        ("toy:suns", "one of moons, eight-gaussians"),
        ("toy:moons,examples=0", "from 1 to"),
        ("toy:moons,grey", "examples=NUMBER"),
    ] {
        let error = text.parse::<Source>().unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn each_source_loads() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    crate::write_npy(&path("a.npy"), &[1.0, 2.0], &[2, 1]).unwrap();
    std::fs::write(path("a.idx"), [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9]).unwrap();
    std::fs::write(path("a.csv"), "x,y\n1,a\n2,b\n").unwrap();
    std::fs::write(path("a.txt"), "one\ntwo\n\nthree\n").unwrap();
    std::fs::write(path("p.tsv"), "a\tb\nc\td\n").unwrap();
    std::fs::write(path("s.csv"), "who,x\na,1\na,2\nb,3\n").unwrap();
    crate::grid_png_file(&path("p/a.png"), &[0.5; 4], 1, &[1, 2, 2], 1, 1).unwrap();
    for (kind, file, n, modality) in [
        ("npy", "a.npy", 2, Modality::Points),
        ("idx", "a.idx", 1, Modality::Points),
        ("csv", "a.csv", 2, Modality::Table),
        ("images", "p", 1, Modality::Pictures),
        ("text", "a.txt", 1, Modality::Text),
        ("text", "a.txt,lines", 3, Modality::Text),
        ("text", "a.txt,documents", 2, Modality::Text),
        ("pairs", "p.tsv", 2, Modality::Pairs),
        ("sequences", "s.csv,id=who", 2, Modality::Sequences),
    ] {
        let source: Source = format!("{kind}:{}", path(file).display()).parse().unwrap();
        let loaded = source.read().unwrap();
        assert_eq!((loaded.data.len(), loaded.data.modality()), (n, modality), "{kind}");
        assert_eq!(source.load().is_ok(), loaded.data.dataset().is_some(), "{kind}");
    }
    assert_eq!("digits".parse::<Source>().unwrap().load().unwrap().len(), 1797);
    let toy: Source = "toy:checkerboard,examples=30".parse().unwrap();
    assert_eq!(toy.load().unwrap().len(), 30);
    let source = Source::new("mnist", path(""), &[]).unwrap();
    assert!(source.load().is_err());
    let text = Source::new("text", path("a.txt"), &[]).unwrap();
    assert!(text.load().unwrap_err().to_string().contains("got text"));
}

#[test]
fn a_weight_column_is_no_feature() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.csv");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Source::new("csv", &path, &["weight=w"]).unwrap().read()
    };
    let data = read("x,w,y\n1,0.5,a\n2,0,b\n3,2,a\n").unwrap().data;
    let crate::Data::Table(table) = &data else { panic!("a table") };
    assert_eq!(table.column_names(), ["x", "y"]);
    assert_eq!(data.weights(), Some(&[0.5, 0.0, 2.0][..]));
    assert_eq!(data.select(&[2, 0]).weights(), Some(&[2.0, 0.5][..]));
    let both = crate::Data::concat(vec![data.select(&[1]), data.select(&[0])]).unwrap();
    assert_eq!(both.weights(), Some(&[0.0, 0.5][..]));
    // Other weights are other data, since a model learns another distribution.
    let other = read("x,w,y\n1,1.5,a\n2,0,b\n3,2,a\n").unwrap().data;
    assert_ne!(other.sha256(), data.sha256());
    for (text, says) in [
        ("x,w\n1,-1\n2,1\n", "line 2"),
        ("x,w\n1,1\n2,\n", "line 3"),
        ("x,w\n1,1\n2,inf\n", "`inf` is no weight"),
        ("x,v\n1,1\n", "w"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}
