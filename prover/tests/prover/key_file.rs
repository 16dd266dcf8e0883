//! Key files: what is damaged, goes on, or belongs to another circuit is refused, and nothing panics.

use std::io::Read;

use ark_bn254::Bn254;
use ark_groth16::ProvingKey as ArkProvingKey;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use sha2::{Digest, Sha256};
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::shape::{Shape, SlotKind};
use tapstone_prover::{KeyFileError, Prover, ProvingKey};

use crate::{key, key_file, shape};

/// Magic, two versions, length of the name, the name `one`, hash of the matrices; then the checksum.
const CHECKSUM: usize = 4 + 4 + 4 + 1 + 3 + 32;
const HEAD: usize = CHECKSUM + 32;

fn read(file: impl Read) -> Result<ProvingKey, KeyFileError> {
    ProvingKey::read(file, &BatchCircuit::new(&shape()))
}

/// The key file with its points changed, and the checksum made to fit.
pub fn changed(change: impl FnOnce(&mut ArkProvingKey<Bn254>)) -> Vec<u8> {
    let mut ark = ArkProvingKey::deserialize_uncompressed_unchecked(&key_file()[HEAD..]).unwrap();
    change(&mut ark);
    let mut body = Vec::new();
    ark.serialize_uncompressed(&mut body).unwrap();
    [&key_file()[..CHECKSUM], &Sha256::digest(&body)[..], &body].concat()
}

#[test]
fn a_key_that_was_written_is_read() {
    let mut again = Vec::new();
    key().write(&mut again).unwrap();
    assert_eq!(again, key_file());
}

#[test]
fn files_that_end_early_are_refused() {
    let file = key_file();
    for length in 0..HEAD {
        assert!(matches!(read(&file[..length]), Err(KeyFileError::Head)), "{length}");
    }
    let whole = (file.len() - HEAD) as u64;
    for length in [HEAD, HEAD + 1, file.len() / 2, file.len() - 1] {
        let error = read(&file[..length]).unwrap_err();
        let KeyFileError::Truncated { had, needed } = error else { panic!("{length}: {error}") };
        assert_eq!((had, needed), ((length - HEAD) as u64, whole));
    }
}

#[test]
fn files_that_go_on_are_refused_however_long_they_are() {
    for more in [1, u64::MAX] {
        let error = read(key_file().chain(std::io::repeat(0).take(more))).unwrap_err();
        assert!(matches!(error, KeyFileError::TrailingBytes { .. }), "{error}");
    }
}

#[test]
fn each_part_of_the_file_is_checked() {
    let flipped = |at: usize| {
        let mut file = key_file().to_vec();
        file[at] ^= 1;
        read(&file[..]).unwrap_err()
    };
    assert!(matches!(flipped(0), KeyFileError::Magic { .. }));
    assert!(matches!(flipped(7), KeyFileError::FileVersion { had: 0, needed: 1 }));
    for at in [11, 13, CHECKSUM - 1] {
        assert!(matches!(flipped(at), KeyFileError::OtherCircuit { .. }), "circuit version, name, matrices: {at}");
    }
    for at in [CHECKSUM, HEAD, key_file().len() - 1] {
        assert!(matches!(flipped(at), KeyFileError::Checksum), "{at}");
    }
}

/// The same number of bytes, a fitting checksum: without a check of the lengths arkworks would leave a term out.
#[test]
fn lists_of_other_lengths_are_refused() {
    let file = changed(|ark| {
        let point = ark.h_query.pop().unwrap();
        ark.l_query.push(point);
    });
    assert_eq!(file.len(), key_file().len());
    assert!(matches!(read(&file[..]), Err(KeyFileError::Lists)));
}

#[test]
fn a_name_does_not_make_a_key_fit() {
    let other = Shape { slots: vec![SlotKind::Single; 2], ..shape() };
    let error = ProvingKey::read(key_file(), &BatchCircuit::new(&other)).unwrap_err();
    assert!(matches!(error, KeyFileError::OtherCircuit { .. }), "{error}");
    let error = Prover::new(BatchCircuit::new(&other), key()).unwrap_err();
    assert!(error.had.contains("shape one") && error.needed == "one", "{error}");
}
