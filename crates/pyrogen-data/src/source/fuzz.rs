//! Mutated files: every reader gives data or an error, and never panics.
//!
//! `cargo xtask fuzz SECONDS` goes on for longer, with other mutations.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::{Duration, Instant};

use pyrogen_core::{Noise, Seed};

use super::Source;

/// Mutated inputs of each seed file.
const INPUTS: u64 = 150;

/// What breaks parsers.
const PIECES: [&[u8]; 16] = [
    b"",
    b"\"",
    b",",
    b"\n",
    b"\r\n",
    b";",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"NaN",
    b"-1e999",
    b"99999999999999999999",
    b"0000-00-00",
    b"$1,2,3.4%",
    b"\x7f\xff\xff\xff",
    b"{[({",
];

/// A MIDI file of one note.
const MIDI: &[u8] =
    b"MThd\0\0\0\x06\0\0\0\x01\0\x04MTrk\0\0\0\x0b\0\x90\x3c\x40\x04\x3c\0\0\xff\x2f\0";

fn mutate(seed: &[u8], noise: &Noise) -> Vec<u8> {
    let draws = noise.clone().bits_vec(64);
    let mut out = seed.to_vec();
    for change in draws[1..].chunks(4).take(1 + draws[0] as usize % 8) {
        let at = change[1] as usize % (out.len() + 1);
        let end = (at + change[2] as usize % 32).min(out.len());
        let piece = PIECES[change[3] as usize % PIECES.len()];
        match change[0] % 6 {
            0 => out.truncate(at),
            1 if at < out.len() => out[at] ^= 1 << (change[2] % 8),
            2 if at < out.len() => out[at] = change[3] as u8,
            3 => drop(out.splice(at..end, piece.iter().copied())),
            4 => drop(out.splice(at..at, piece.iter().copied())),
            _ => {
                let copied = out[at..end].to_vec();
                drop(out.splice(at..at, copied));
            }
        }
    }
    out
}

/// Files to start from: the source's text without its place, the file's name, its bytes.
fn seeds(dir: &Path) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let table = "id,day,price,town,n\n1,2024-01-31,\"$1,234.50\",Ayr,?\n2,2024-02-28,$7.00,Bex,4\n\
                 3,1999-12-31,$0.25,\"C,\n\"\"x\"\"\",5\n";
    let mut out = vec![
        ("csv", "a.csv", table.as_bytes().to_vec()),
        ("csv,label=town", "a.csv", table.as_bytes().to_vec()),
        ("csv", "a.csv", "a;b\n1,5;x\n2,5;y\n".into()),
        ("csv", "a.csv", "x\n\n1\n2e3\n".into()),
        ("sequences,id=a,time=b", "s.csv", "a,b,x\nu,1,0.5\nu,2,\nv,1,3\n".into()),
        ("text,lines", "t.txt", "one\ntwo\r\n\nthree ü\n".into()),
        ("text,documents", "t.txt", "one\ntwo\r\n\nthree ü\n".into()),
        ("pairs", "p.tsv", "one\teins\r\n\ntwo\tzwei ü\n".into()),
        ("pairs,source=a,target=b", "p.csv", "a,b,n\nx,\"y, z\",1\nu,v,2\n".into()),
        ("ratings", "r.csv", "u,i,r\na,x,1\nb,y,2.5\n".into()),
        ("graph", "g.txt", "# graph\n1 2\n2 3\n".into()),
        ("documents", "d.txt", "one two, two".into()),
        ("documents", "d.ldac", "2 0:1 3:2\n1 1:1\n".into()),
        ("music", "m.json", "[[[60, 55], [61, null]]]".into()),
        ("idx", "a.idx", vec![0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9]),
    ];
    crate::write_npy(&dir.join("a.npy"), &[0.5; 24], &[2, 3, 4]).unwrap();
    out.push(("npy", "a.npy", fs::read(dir.join("a.npy")).unwrap()));
    let sound = crate::Sound::new(100, vec![vec![0.5, -0.25, 0.0]]).unwrap();
    crate::Data::Sound(sound).write(dir.join("a.wav")).unwrap();
    out.push(("sound", "a.wav", fs::read(dir.join("a.wav")).unwrap()));
    out.push(("sound", "a.flac", include_bytes!("../../tests/fixtures/stereo16.flac").to_vec()));
    let table = include_bytes!("../../tests/fixtures/brotli.parquet");
    out.push(("parquet", "a.parquet", table.to_vec()));
    let table = include_bytes!("../../tests/fixtures/polars.parquet");
    out.push(("parquet", "b.parquet", table.to_vec()));
    out.push(("music", "a.mid", MIDI.to_vec()));
    let picture = image::RgbaImage::from_fn(5, 4, |x, y| {
        image::Rgba([x as u8 * 50, y as u8 * 60, 9, 255 - 40 * x as u8])
    });
    for (name, format) in [
        ("a.png", image::ImageFormat::Png),
        ("a.gif", image::ImageFormat::Gif),
        ("a.webp", image::ImageFormat::WebP),
    ] {
        picture.save_with_format(dir.join(name), format).unwrap();
        out.push(("images", name, fs::read(dir.join(name)).unwrap()));
    }
    let picture = image::DynamicImage::from(picture).into_rgb8();
    for (name, format) in [
        ("a.jpg", image::ImageFormat::Jpeg),
        ("a.bmp", image::ImageFormat::Bmp),
        ("a.ppm", image::ImageFormat::Pnm),
    ] {
        picture.save_with_format(dir.join(name), format).unwrap();
        out.push(("images", name, fs::read(dir.join(name)).unwrap()));
    }
    out
}

#[test]
fn fuzz_readers() {
    let dir = tempfile::tempdir().unwrap();
    let seconds = std::env::var("PYROGEN_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok());
    let limit = seconds.map(Duration::from_secs);
    let begun = Instant::now();
    let seeds = seeds(dir.path());
    let goes_on = |round: u64| match limit {
        Some(limit) => begun.elapsed() < limit,
        None => round < INPUTS,
    };
    let mut read = 0usize;
    for round in (0..).take_while(|&round| goes_on(round)) {
        for (k, (scheme, name, bytes)) in seeds.iter().enumerate() {
            let noise = Noise::new(Seed(round)).fork("fuzz").fork_index(k as u64);
            let path = dir.path().join(name);
            fs::write(&path, mutate(bytes, &noise)).unwrap();
            let (scheme, options) = scheme.split_once(',').unwrap_or((scheme, ""));
            let options: Vec<&str> = options.split(',').filter(|o| !o.is_empty()).collect();
            let source = Source::new(scheme, &path, &options).unwrap();
            let loaded = std::panic::catch_unwind(AssertUnwindSafe(|| source.read()));
            let Ok(loaded) = loaded else { panic!("round {round}: {source} panics") };
            match loaded {
                Ok(loaded) => {
                    read += 1;
                    assert!(!loaded.data.is_empty());
                    loaded.data.describe();
                    loaded.data.dataset();
                }
                Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
            }
        }
    }
    assert!(read > 0, "some mutations are harmless");
}
