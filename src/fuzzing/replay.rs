//! What the fuzzer found worth keeping (`fuzz/corpus`), and what lies near it.
//!
//! A crash is mended together with its input in the corpus: from then on it is here.

use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;

use super::{TARGETS, Target};

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(of)
}

/// File names below a folder of `fuzz/`, in order.
fn names(of: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(of)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = format!("corpus/{target}");
    let files = names(&folder).into_iter();
    files
        .map(|name| {
            let path = self::folder(&folder).join(&name);
            (name, fs::read(path).unwrap())
        })
        .collect()
}

#[test]
fn every_target_has_its_program_and_its_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    let programs = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names("fuzz_targets"), programs);
    for (name, _) in TARGETS {
        assert!(corpus(name).len() >= 10, "{name}");
    }
}

#[test]
fn what_was_found_does_no_harm() {
    for (name, target) in TARGETS {
        for (file, bytes) in corpus(name) {
            let outcome = panic::catch_unwind(|| target(&bytes));
            assert!(outcome.is_ok(), "fuzz/corpus/{name}/{file}");
        }
    }
}

/// A stretch of one file in the place of a stretch of another; or a few bytes in its place.
#[derive(Debug, Clone)]
struct Edit {
    at: Index,
    length: usize,
    from: Index,
    by: By,
}

#[derive(Debug, Clone)]
enum By {
    Bytes(Vec<u8>),
    Stretch(Index, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let by = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..6).prop_map(By::Bytes),
        proptest::sample::select(vec![
            "null",
            "-1",
            "1e308",
            "\"\"",
            "[]",
            "{}",
            "\n",
            "\"\\u0000\"",
            "18446744073709551615",
        ])
        .prop_map(|text| By::Bytes(text.into())),
        (any::<Index>(), 0..200usize).prop_map(|(at, length)| By::Stretch(at, length)),
    ];
    (any::<Index>(), 0..12usize, any::<Index>(), by).prop_map(|(at, length, from, by)| Edit {
        at,
        length,
        from,
        by,
    })
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>, corpus: &[(String, Vec<u8>)]) {
        let start = self.at.index(bytes.len() + 1);
        let end = (start + self.length).min(bytes.len());
        let by = match &self.by {
            By::Bytes(bytes) => bytes.clone(),
            By::Stretch(at, length) => {
                let (_, other) = &corpus[self.from.index(corpus.len())];
                let start = at.index(other.len() + 1);
                other[start..(start + length).min(other.len())].to_vec()
            }
        };
        bytes.splice(start..end, by);
    }
}

/// As many cases as take a second or two.
fn edited(name: &str, target: Target) {
    let corpus = corpus(name);
    let strategy = (any::<Index>(), proptest::collection::vec(edit(), 1..5));
    let config = ProptestConfig {
        // A find belongs into the corpus.
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    };
    proptest!(config, |((file, edits) in strategy)| {
        let mut bytes = corpus[file.index(corpus.len())].1.clone();
        for edit in edits {
            edit.apply(&mut bytes, &corpus);
        }
        target(&bytes);
    });
}

#[test]
fn what_lies_near_it_does_no_harm() {
    for (name, target) in TARGETS {
        edited(name, target);
    }
}
