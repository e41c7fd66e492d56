//! Runs every corpus through its body, as it is and mutated: the same few thousand inputs for each target, every time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use relaycore_fuzz::TARGETS;

/// Mutated inputs for each target.
const MUTATIONS: usize = 3000;

/// Longest input, in bytes.
const INPUT_BYTES_MAX: usize = 32 * 1024;

#[test]
fn every_input_of_every_corpus_passes() {
    for (name, body) in TARGETS {
        for input in corpus(name) {
            body(&input);
        }
    }
}

#[test]
fn mutated_inputs_pass() {
    for (seed, (name, body)) in TARGETS.into_iter().enumerate() {
        let inputs = corpus(name);
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed as u64 + 1));
        for _ in 0..MUTATIONS {
            let input = mutated(&inputs, &mut random);
            body(&input);
        }
    }
}

#[test]
fn each_target_has_an_entry_point_and_a_corpus() {
    let names: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len());
    let listed = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        entries
            .map(|entry| {
                entry
                    .unwrap()
                    .path()
                    .file_stem()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(listed("fuzz_targets"), names);
    assert_eq!(listed("corpus"), names);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for name in &names {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The inputs of a target, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = root().join("corpus").join(name);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// One of the inputs with some damage.
fn mutated(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = inputs[random.below(inputs.len())].clone();
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        let end = (at + 1 + random.below(64)).min(input.len());
        match random.below(8) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => {
                input[at] = [0, 1, 3, 0x7f, 0x80, 0xfe, 0xff, b'\n'][random.below(8)]
            }
            2 if at + 2 <= input.len() => {
                let length = [0u16, 1, 2, 255, 1400, 0x7fff, 0x8000, 0xffff][random.below(8)];
                input[at..at + 2].copy_from_slice(&length.to_be_bytes());
            }
            3 if at < end => drop(input.drain(at..end)),
            4 if at < end => {
                let copy = input[at..end].to_vec();
                let target = random.below(input.len());
                input.splice(target..target, copy);
            }
            5 => {
                let added: Vec<u8> = (0..random.below(16)).map(|_| random.next() as u8).collect();
                input.splice(at..at, added);
            }
            6 => {
                let other = &inputs[random.below(inputs.len())];
                let from = random.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.truncate(input.len() - random.below(input.len().min(64) + 1)),
        }
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

/// Numbers that look random and are the same in each run (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number from 0 to `bound` - 1.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
