//! No input makes a decoder panic: each is fed with mutated, cut and joined copies of what is valid, and with noise. What decodes
//! encodes to the same bytes. The fuzz targets under `fuzz` do the same without end.

use crate::common::*;
use tapstone_verifier::{AnchorHeader, ChainEnd, Checkpoint, Element, Pin, Proof, Registry, Statement, VerifyingKey, VkId};

/// xorshift64*: the same cases in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn mutated(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(7) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), self.next() as u8),
                2 => bytes.extend_from_slice(&seed[self.below(seed.len())..]),
                3 => {
                    let end = at + self.below(bytes.len() - at.min(bytes.len()));
                    bytes.get_mut(at..end).unwrap_or_default().fill([0, 0xff, b'[', b'9'][self.below(4)]);
                }
                4 => {
                    let (from, length) = (self.below(seed.len()), self.below(40));
                    let piece = seed[from..(from + length).min(seed.len())].to_vec();
                    let end = (at + piece.len()).min(bytes.len());
                    bytes.splice(at.min(end)..end, piece);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
        bytes
    }
}

fn feed(name: &str, seeds: &[Vec<u8>], decode: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15 ^ name.len() as u64);
    let mut decoded = 0;
    for seed in seeds {
        assert_eq!(decode(seed).as_deref(), Some(&seed[..]), "{name}: seeds are valid");
        for _ in 0..1500 {
            let bytes = noise.mutated(seed);
            if let Some(back) = decode(&bytes) {
                decoded += 1;
                assert_eq!(back, bytes, "{name}: canonical");
            }
        }
    }
    assert!(decoded < 1500 * seeds.len(), "{name}: {decoded} decoded");
    for length in 0..400 {
        let bytes: Vec<u8> = (0..length).map(|_| noise.next() as u8).collect();
        assert_eq!(decode(&bytes), None, "{name}");
    }
}

#[test]
fn binary_decoders() {
    let (s, proof) = (statement(1), proof(&statement(1)));
    feed("statement", &[s.to_bytes().to_vec()], |b| Some(Statement::from_bytes(b).ok()?.to_bytes().to_vec()));
    feed("compressed proof", &[proof.to_compressed().to_vec()], |b| {
        Some(Proof::from_compressed(b).ok()?.to_compressed().to_vec())
    });
    feed("EVM proof", &[proof.to_evm_bytes().to_vec()], |b| Some(Proof::from_evm_bytes(b).ok()?.to_evm_bytes().to_vec()));
    let gnark = |bytes: &[u8]| {
        let proof = Proof::from_gnark_bytes(bytes).ok()?;
        let (short, raw) = (proof.to_gnark_bytes(), proof.to_gnark_raw_bytes());
        [&short[..], &short[..128], &raw[..], &raw[..256]]
            .into_iter()
            .find(|form| form.len() == bytes.len())
            .map(<[u8]>::to_vec)
    };
    feed("gnark proof", &[proof.to_gnark_bytes().to_vec(), proof.to_gnark_raw_bytes().to_vec()], gnark);
    let file = fixture().key_file.clone();
    feed("key", &[file], |b| Some(VerifyingKey::from_bytes(b).ok()?.to_bytes()));
    let header = AnchorHeader::first(&[verified(&s)]).unwrap().to_bytes().to_vec();
    feed("header", &[header], |b| Some(AnchorHeader::from_bytes(b).ok()?.to_bytes().to_vec()));
    let checkpoint = Checkpoint::start(ChainEnd::after(&s)).to_bytes().to_vec();
    feed("checkpoint", &[checkpoint], |b| Some(Checkpoint::from_bytes(b).ok()?.to_bytes().to_vec()));
}

#[test]
fn text_decoders() {
    let text = |b: &[u8]| String::from_utf8(b.to_vec()).ok();
    let id = fixture().key.id();
    let pins =
        [Pin { first_batch: 1, vk_id: id, last_batch: Some(9) }, Pin { first_batch: 10, vk_id: id, last_batch: None }];
    let registry = Registry::new(pins).unwrap().to_text();
    feed("registry", &[registry.into()], |b| Some(Registry::from_text(&text(b)?).ok()?.to_text().into()));
    feed("id", &[id.to_string().into()], |b| Some(text(b)?.parse::<VkId>().ok()?.to_string().into()));
    let element = Element::from(77).to_string();
    feed("element", &[element.into()], |b| Some(text(b)?.parse::<Element>().ok()?.to_string().into()));
}

/// JSON may have its fields in another order and white space between them, so what decodes need not encode to the same text.
#[test]
fn json_decoders() {
    let proof = proof(&statement(1));
    let key = &fixture().key;
    let mut noise = Noise(7);
    for _ in 0..4000 {
        let bytes = noise.mutated(proof.to_snarkjs_json().as_bytes());
        if let Some(other) = String::from_utf8(bytes).ok().and_then(|t| Proof::from_snarkjs_json(&t).ok()) {
            assert_eq!(other, proof, "no number but the ones of this proof makes points");
        }
        let bytes = noise.mutated(key.to_snarkjs_json().as_bytes());
        if let Some(other) = String::from_utf8(bytes).ok().and_then(|t| VerifyingKey::from_snarkjs_json(7, SHAPE, &t).ok()) {
            assert_eq!(VerifyingKey::from_snarkjs_json(7, SHAPE, &other.to_snarkjs_json()).unwrap(), other);
        }
    }
}
