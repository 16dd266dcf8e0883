//! A batch that is proven with the key of a ceremony.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use tapstone_ceremony::testing::KnownSecrets;
use tapstone_ceremony::{
    CeremonyError, CeremonyFile, Files, Pins, Secret, Zkey, contribute, contribute_beacon, hash_of, verify,
};
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::testing::{World, smallest_shape};
use tapstone_prover::{Origin, Prover, ProvingKey};
use tapstone_verifier::verify as verify_proof;

#[test]
fn a_batch_is_proven_with_an_imported_key() {
    let circuit = BatchCircuit::new(&smallest_shape());
    let secrets = KnownSecrets::from_number(9);
    let power = (circuit.system().matrices.rows() + 2).next_power_of_two().trailing_zeros() + 1;
    let (ptau, initial) = (secrets.ptau(power), secrets.initial_key(circuit.system()));
    let (mut one, mut last) = (Vec::new(), Vec::new());
    let zkey = Zkey::parse(CeremonyFile::InitialZkey, &initial).unwrap();
    let hash = contribute(&zkey, "one", Secret::draw(b"").unwrap(), &mut one).unwrap();
    let beacon: tapstone_ceremony::Beacon = "ab:10".parse().unwrap();
    let zkey = Zkey::parse(CeremonyFile::Zkey, &one).unwrap();
    contribute_beacon(&zkey, "", beacon.clone(), &mut last).unwrap();
    let files = Files { zkey: &last, initial: &initial, ptau: &ptau };
    let pins = Pins { contributions: vec![hash], beacon: Some(beacon), ptau: Some(hash_of(&ptau)) };
    let verified = verify(&circuit, files, &pins, &|_| ()).unwrap();
    let imported = verified.proving_key().unwrap();
    let mut file = Vec::new();
    imported.write(&mut file).unwrap();
    let imported = ProvingKey::from_bytes(&file, &smallest_shape()).unwrap();
    imported.check_sections().unwrap();
    let Origin::Ceremony(provenance) = imported.origin() else { panic!("{:?}", imported.origin()) };
    assert_eq!((provenance.parties[0].hash, &provenance.parties[0].name[..]), (hash, "one"));

    let verifying = imported.verifying().clone();
    let executed = World::new(smallest_shape()).deposit_new(1, 1000).apply().unwrap();
    let proven = Prover::new(imported).prove(&executed, &()).unwrap();
    let verified = verify_proof(&verifying, verifying.id(), &executed.statement(), proven.proof()).unwrap();
    assert_eq!(verified.statement(), &executed.statement());

    // Of a ceremony for another circuit, nothing is read beyond the numbers in its header.
    let mut other = smallest_shape();
    other.slots.push(other.slots[0]);
    let other = BatchCircuit::new(&other);
    assert!(matches!(verify(&other, files, &pins, &|_| ()), Err(CeremonyError::OtherCircuit { .. })));
}
