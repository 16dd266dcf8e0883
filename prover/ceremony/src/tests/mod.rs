//! Every check has a case that breaks it alone: files are changed, and made consistent again in all that other checks look at.

mod files;
mod proofs;
mod snarkjs;

use std::ops::Range;
use std::sync::OnceLock;

use super::testing::KnownSecrets;
use super::verify::verify_system;
use super::*;
use crate::points::Point;
use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, One};
use tapstone_circuits::cs::{Cs, Mode, Num, System};
use tapstone_circuits::shape::Shape;

/// A chain of products, of so many rows, and its assignment; `last` is the coefficient of the last row.
pub(crate) fn chain(rows: usize, last: u64) -> (System, Vec<Fr>) {
    let mut cs = Cs::new(Mode::Record, Fr::from(3u64));
    let mut sum = cs.public();
    for row in 0..rows {
        let factor = cs.witness(Fr::from(row as u64 % 3));
        let scale = if row + 1 == rows { last } else { 1 };
        let product = cs.mul("product", &sum, &(&factor * Fr::from(scale)));
        sum = &product + &Num::one();
    }
    cs.into_parts()
}

/// Rows of the circuit of these tests: its domain has 32 elements.
const ROWS: usize = 27;
const POWER: u32 = 6;
/// A beacon that takes no time.
const BEACON: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20:10";

/// A circuit and the files of its ceremony.
#[derive(Clone)]
struct Scene {
    zkey: Vec<u8>,
    initial: Vec<u8>,
    ptau: Vec<u8>,
    pins: Pins,
}

fn system() -> &'static System {
    static ONCE: OnceLock<System> = OnceLock::new();
    ONCE.get_or_init(|| chain(ROWS, 1).0)
}

fn shape() -> &'static Shape {
    static ONCE: OnceLock<Shape> = OnceLock::new();
    ONCE.get_or_init(|| Shape::registered("tiny").unwrap())
}

fn secrets() -> KnownSecrets {
    KnownSecrets::from_number(1)
}

/// What is added to a key.
enum Next {
    Party(&'static str),
    Factor(Fr),
    Beacon,
}

fn contributed(before: &[u8], next: Next) -> Vec<u8> {
    let zkey = Zkey::parse(CeremonyFile::Zkey, before).unwrap();
    let mut out = Vec::new();
    match next {
        Next::Party(name) => contribute(&zkey, name, Secret::draw(b"typed").unwrap(), &mut out),
        Next::Factor(factor) => contribute(&zkey, "", Secret { factor, shown: G1Affine::generator() }, &mut out),
        Next::Beacon => contribute_beacon(&zkey, "a block", BEACON.parse().unwrap(), &mut out),
    }
    .unwrap();
    out
}

impl Scene {
    /// A ceremony from an initial key on: what is pinned is what is there.
    fn from(initial: Vec<u8>, steps: impl IntoIterator<Item = Next>) -> Self {
        static PTAU: OnceLock<Vec<u8>> = OnceLock::new();
        let ptau = PTAU.get_or_init(|| secrets().ptau(POWER)).clone();
        let zkey = steps.into_iter().fold(initial.clone(), |key, next| contributed(&key, next));
        let mut scene = Self { zkey, initial, ptau, pins: Pins::default() };
        scene.pin();
        scene
    }

    fn pin(&mut self) {
        let zkey = Zkey::parse(CeremonyFile::Zkey, &self.zkey).unwrap();
        let parties = zkey.contributions().iter().filter(|c| c.beacon().is_none());
        self.pins = Pins {
            contributions: parties.map(Contribution::hash).collect(),
            beacon: zkey.contributions().iter().find_map(|c| c.beacon().cloned()),
            ptau: Some(hash_of(&self.ptau)),
        };
    }

    fn good() -> Self {
        static ONCE: OnceLock<Scene> = OnceLock::new();
        let steps = [Next::Party("one"), Next::Party("two"), Next::Beacon];
        ONCE.get_or_init(|| Self::from(secrets().initial_key(system()), steps)).clone()
    }

    fn check(&self) -> Result<Provenance, CeremonyError> {
        let files = Files { zkey: &self.zkey, initial: &self.initial, ptau: &self.ptau };
        verify_system(system(), shape(), files, &self.pins, &|_| ()).map(|verified| verified.provenance)
    }

    #[track_caller]
    fn refused(&self, part: &str) {
        let error = self.check().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// Where a section lies.
fn section(file: &[u8], id: u32) -> Range<usize> {
    let mut at = 12;
    loop {
        let number = u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let length = u64::from_le_bytes(file[at + 4..at + 12].try_into().unwrap()) as usize;
        at += 12 + length;
        if number == id {
            return at - length..at;
        }
    }
}

/// Changes a point: `at` bytes into a section.
fn with_point<P: Point>(file: &mut [u8], id: u32, at: usize, change: impl FnOnce(P) -> P) {
    let start = section(file, id).start + at;
    let place = start..start + P::BYTES;
    let mut bytes = Vec::new();
    change(P::decode(&file[place.clone()]).unwrap()).put(&mut bytes);
    file[place].copy_from_slice(&bytes);
}

fn doubled<P: Point>(point: P) -> P {
    (point + point).into_affine()
}

/// Offsets of points in the header.
const ALPHA: usize = 2 * 36 + 12;
const BETA_1: usize = ALPHA + 64;
const BETA_2: usize = BETA_1 + 64;
const GAMMA: usize = BETA_2 + 128;
const DELTA_1: usize = GAMMA + 128;
const DELTA_2: usize = DELTA_1 + 64;

/// The place of the first entry of a query that is not infinity, and doubles it there.
fn double_first(file: &mut [u8], id: u32) {
    let range = section(file, id);
    let size = if id == 7 { 128 } else { 64 };
    let at = (0..range.len()).step_by(size).find(|at| file[range.start + at..][..size].iter().any(|b| *b != 0)).unwrap();
    if size == 128 { with_point::<G2Affine>(file, id, at, doubled) } else { with_point::<G1Affine>(file, id, at, doubled) }
}

const SECTIONS: [(u32, &str); 6] = [(3, "IC"), (5, "A"), (6, "B1"), (7, "B2"), (8, "C"), (9, "H")];

#[test]
fn an_honest_ceremony_is_accepted() {
    let scene = Scene::good();
    let provenance = scene.check().unwrap();
    assert_eq!(provenance.parties.iter().map(|p| &p.name[..]).collect::<Vec<_>>(), ["one", "two", "a block"]);
    assert_eq!(provenance.parties[2].beacon, scene.pins.beacon);
    assert_eq!(Some(provenance.ptau_hash), scene.pins.ptau);
    // Larger powers do as well, and one party's contribution that is named is enough.
    let mut larger = Scene { ptau: secrets().ptau(POWER + 1), ..scene };
    larger.pin();
    larger.pins.contributions.remove(0);
    larger.check().unwrap();
}

/// Above 2^14 snarkjs hashes one difference of powers more than it says.
#[test]
fn hashes_of_large_circuits_cover_another_difference() {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let hash = |n: usize, changed: usize| {
        let mut tau_g1 = vec![g1; 2 * n];
        tau_g1[changed] = doubled(g1);
        let powers = powers::Powers { tau_g1, tau_g2: Vec::new(), alpha: Vec::new(), beta: Vec::new(), beta_g2: g2 };
        let (ic, a, b1, b2, c) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let points = initial::InitialPoints { ic, a, b1, b2, c, h: vec![g1; n] };
        let header = zkey::Header {
            wires: 0,
            public: 0,
            domain: n,
            alpha_g1: g1,
            beta_g1: g1,
            beta_g2: g2,
            gamma_g2: g2,
            delta_g1: g1,
            delta_g2: g2,
        };
        points.circuit_hash(&header, &powers)
    };
    // Of the last difference only, the power n - 1 is half.
    for (n, covered) in [(1 << 14, false), (1 << 15, true)] {
        assert_eq!(hash(n, 2 * n - 1) != hash(n, n - 1), covered, "{n}");
        assert_ne!(hash(n, 2 * n - 2), hash(n, 2 * n - 1), "{n}");
    }
}

#[test]
fn a_point_of_the_key_that_changed_is_found() {
    for (id, name) in SECTIONS {
        let mut scene = Scene::good();
        double_first(&mut scene.zkey, id);
        scene.refused(&match id {
            8 | 9 => format!("section {name} is not that of the initial zkey divided by delta"),
            _ => format!("section {name} is not that of the initial zkey"),
        });
    }
    let mut scene = Scene::good();
    let at = section(&scene.zkey, 4).start + 4 + 12;
    scene.zkey[at] ^= 1;
    scene.refused("section coefficients is not that of the initial zkey");
}

/// The same change in both keys, the hash of the circuit and all contributions made anew: only the comparison with circuit and powers remains.
#[test]
fn a_point_of_the_initial_key_that_changed_is_found() {
    for (id, name) in SECTIONS {
        let mut initial = secrets().initial_key(system());
        double_first(&mut initial, id);
        Scene::from(initial, [Next::Party("one")]).refused(&format!("section {name} is not that of this circuit and ptau"));
    }
    let mut initial = secrets().initial_key(system());
    let at = section(&initial, 4).start + 4 + 44 + 12;
    initial[at] ^= 1;
    Scene::from(initial, [Next::Party("one")]).refused("coefficient 1 is not that of this circuit");
}

#[test]
fn keys_of_other_circuits_are_refused() {
    let from = |rows, last| Scene::from(secrets().initial_key(&chain(rows, last).0), [Next::Party("one")]);
    // Of another size.
    from(ROWS - 1, 1).refused("number of wires 54, needed 56");
    from(ROWS + 6, 1).refused("number of wires");
    // Of the same size, and again with the coefficients of this one.
    let mut other = from(ROWS, 2);
    other.refused("is not that of this circuit");
    let good = Scene::good();
    for file in [&mut other.zkey, &mut other.initial] {
        let range = section(file, 4);
        file[range].copy_from_slice(&good.initial[section(&good.initial, 4)]);
    }
    other.refused("section B1 is not that of this circuit and ptau");
}

/// A circuit that has a row besides ours.
fn superset() -> System {
    let mut cs = Cs::new(Mode::Record, Fr::from(3u64));
    let mut sum = cs.public();
    for row in 0..ROWS {
        let factor = cs.witness(Fr::from(row as u64 % 3));
        let product = cs.mul("product", &sum, &factor);
        sum = &product + &Num::one();
    }
    let public = cs.public();
    cs.enforce("more", &Num::one(), &sum, &(&public + &sum));
    cs.into_parts().0
}

/// Contributors built on a circuit with more rows; its points divided by delta are public. The key is cut down to ours, and every point is right.
#[test]
fn a_ceremony_for_a_superset_of_the_circuit_is_refused() {
    let larger = secrets().initial_key(&superset());
    Scene::from(larger.clone(), [Next::Party("one")]).refused("is");
    let hash = section(&larger, 10);
    let their_hash = &larger[hash.start..hash.start + 64];
    let mut initial = secrets().initial_key(system());
    let at = section(&initial, 10).start;
    initial[at..at + 64].copy_from_slice(their_hash);
    let mut scene = Scene::from(initial, [Next::Party("one")]);
    assert!(matches!(scene.check(), Err(CeremonyError::CircuitHash { file: CeremonyFile::InitialZkey, .. })));
    // With an honest initial key beside it.
    scene.initial = secrets().initial_key(system());
    assert!(matches!(scene.check(), Err(CeremonyError::CircuitHash { file: CeremonyFile::Zkey, .. })));
}

#[test]
fn powers_of_another_ceremony_are_refused() {
    let with = |secrets: KnownSecrets| {
        let mut scene = Scene { ptau: secrets.ptau(POWER), ..Scene::good() };
        assert!(matches!(scene.check(), Err(CeremonyError::PtauHash { .. })));
        scene.pin();
        scene
    };
    let other = KnownSecrets::from_number(2);
    with(KnownSecrets { alpha: other.alpha, ..secrets() }).refused("alpha is not that of the ptau");
    with(KnownSecrets { beta: other.beta, ..secrets() }).refused("beta in G1 is not that of the ptau");
    with(KnownSecrets { tau: other.tau, ..secrets() }).refused("section A is not that of this circuit and ptau");
    let mut scene = Scene::good();
    with_point::<G2Affine>(&mut scene.initial, 2, BETA_2, doubled);
    with_point::<G2Affine>(&mut scene.zkey, 2, BETA_2, doubled);
    scene.refused("beta in G2 is not that of the ptau");
    // Nobody names the file, and it is not a known one.
    scene = Scene::good();
    scene.pins.ptau = None;
    scene.refused("of no known ceremony");
    // Too few powers.
    scene = Scene { ptau: secrets().ptau(POWER - 1), ..Scene::good() };
    scene.pin();
    scene.refused("power 5, needed 6 or more");
}

#[test]
fn powers_of_no_one_secret_are_refused() {
    for (id, size, name) in [(2, 64, "tau in G1"), (3, 128, "tau in G2"), (4, 64, "alpha tau"), (5, 64, "beta tau")] {
        for index in [2, 31] {
            let mut scene = Scene::good();
            match size {
                64 => with_point::<G1Affine>(&mut scene.ptau, id, size * index, doubled),
                _ => with_point::<G2Affine>(&mut scene.ptau, id, size * index, doubled),
            }
            scene.pin();
            scene.refused(&format!("section {name} does not hold the powers of one secret"));
        }
    }
    // Beta differs between the groups, in both keys as well.
    let mut scene = Scene::good();
    with_point::<G2Affine>(&mut scene.ptau, 6, 0, doubled);
    with_point::<G2Affine>(&mut scene.initial, 2, BETA_2, doubled);
    with_point::<G2Affine>(&mut scene.zkey, 2, BETA_2, doubled);
    scene.pin();
    scene.refused("section beta in G2 does not hold the powers of one secret");
}

#[test]
fn headers_that_changed_are_found() {
    let with = |change: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::good();
        change(&mut scene);
        scene
    };
    for at in [ALPHA, BETA_1] {
        with(&|s| with_point::<G1Affine>(&mut s.zkey, 2, at, doubled)).refused("section header is not that of the initial");
    }
    with(&|s| with_point::<G2Affine>(&mut s.zkey, 2, BETA_2, doubled)).refused("section header is not that of the initial");
    with(&|s| with_point::<G2Affine>(&mut s.zkey, 2, GAMMA, doubled)).refused("zkey: gamma is not the generator");
    with(&|s| with_point::<G2Affine>(&mut s.initial, 2, GAMMA, doubled)).refused("initial zkey: gamma is not the generator");
    with(&|s| with_point::<G1Affine>(&mut s.zkey, 2, DELTA_1, doubled)).refused("delta in G1 is not that of the last");
    with(&|s| with_point::<G2Affine>(&mut s.zkey, 2, DELTA_2, doubled)).refused("delta in G2 is another than in G1");
    with(&|s| with_point::<G1Affine>(&mut s.initial, 2, DELTA_1, doubled)).refused("its delta is not the generator");
    with(&|s| with_point::<G2Affine>(&mut s.initial, 2, DELTA_2, doubled)).refused("its delta is not the generator");
    with(&|s| s.initial = s.zkey.clone()).refused("initial zkey: it has contributions");
}

#[test]
fn a_delta_that_is_known_is_refused() {
    let from = |steps: Vec<Next>| Scene::from(secrets().initial_key(system()), steps);
    from(vec![]).refused("no contribution: delta is gamma");
    let x = Fr::from(7u64);
    from(vec![Next::Factor(x), Next::Factor(x.inverse().unwrap())]).refused("delta is gamma up to sign");
    from(vec![Next::Factor(-Fr::one())]).refused("delta is gamma up to sign");
    // A contribution that changes nothing is no harm beside another.
    from(vec![Next::Party("one"), Next::Factor(Fr::one())]).check().unwrap();
}

/// Sections C and H by another factor than delta.
#[test]
fn sections_divided_by_another_delta_are_refused() {
    for (id, name) in [(8, "C"), (9, "H")] {
        let mut scene = Scene::good();
        let other = Scene::from(scene.initial.clone(), [Next::Party("other")]);
        let range = section(&scene.zkey, id);
        scene.zkey[range.clone()].copy_from_slice(&other.zkey[range]);
        scene.refused(&format!("section {name} is not that of the initial zkey divided by delta"));
    }
}

/// Puts a list of contributions into a key in place of its own.
fn with_contributions(zkey: &mut Vec<u8>, list: &[Contribution]) {
    let range = section(zkey, 10);
    let mut body = zkey[range.start..range.start + 64].to_vec();
    body.extend((list.len() as u32).to_le_bytes());
    list.iter().for_each(|contribution| contribution.put(&mut body));
    zkey.truncate(range.start - 12);
    binfile::put_section(zkey, 10, &body);
}

/// A ceremony of three parties with their contributions changed.
fn with_chain(change: impl FnOnce(&mut Vec<Contribution>)) -> Scene {
    let steps = ["one", "two", "three"].map(Next::Party);
    let mut scene = Scene::from(secrets().initial_key(system()), steps);
    let mut list = Zkey::parse(CeremonyFile::Zkey, &scene.zkey).unwrap().contributions().to_vec();
    change(&mut list);
    with_contributions(&mut scene.zkey, &list);
    scene.pin();
    scene
}

#[test]
fn contributions_that_do_not_follow_each_other_are_refused() {
    with_chain(|_| ()).check().unwrap();
    with_chain(|list| list.swap(0, 1)).refused("contribution 1: its transcript is not");
    with_chain(|list| list.swap(1, 2)).refused("contribution 2: its transcript is not");
    with_chain(|list| drop(list.remove(0))).refused("contribution 1: its transcript is not");
    with_chain(|list| drop(list.remove(1))).refused("contribution 2: its transcript is not");
    with_chain(|list| drop(list.pop())).refused("delta in G1 is not that of the last contribution");
    with_chain(|list| list.push(list[2].clone())).refused("contribution 4: its transcript is not");
    with_chain(|list| list[1].transcript[63] ^= 1).refused("contribution 2: its transcript is not");
    with_chain(|list| list[1].s = doubled(list[1].s)).refused("contribution 2: its transcript is not");
    // The last one's, as those after would have other transcripts.
    with_chain(|list| list[2].p_times_x = doubled(list[2].p_times_x)).refused("contribution 3: its proof of knowledge");
    with_chain(|list| list[2].delta_after = doubled(list[2].delta_after)).refused("contribution 3: delta after it");
    // Knows a factor, and not that of delta: the transcript is made anew.
    with_chain(|list| {
        let last = list.pop().unwrap();
        let zkey = Zkey::parse(CeremonyFile::Zkey, &Scene::good().zkey).unwrap().circuit_hash();
        let factor = Fr::from(5u64);
        let (s, s_times_x) = (G1Affine::generator(), (G1Affine::generator() * factor).into_affine());
        let transcript = contribution::Transcript::new(zkey, list).next(s, s_times_x);
        let p_times_x = (contribution::point_of(&transcript) * factor).into_affine();
        list.push(Contribution { s, s_times_x, p_times_x, transcript, ..last });
    })
    .refused("contribution 3: delta after it is not");
    // A name is part of no hash: who must be known signs the hash elsewhere.
    with_chain(|list| list[0].name = Some(b"another".to_vec())).check().unwrap();
}

#[test]
fn beacons_are_worked_out_again() {
    let initial = || secrets().initial_key(system());
    let mut scene = Scene::good();
    let mut list = Zkey::parse(CeremonyFile::Zkey, &scene.zkey).unwrap().contributions().to_vec();
    let other: Beacon = BEACON.replace(":10", ":11").parse().unwrap();
    list[2].beacon = Some(other);
    with_contributions(&mut scene.zkey, &list);
    scene.refused("needed 0102");
    scene.pin();
    scene.refused("contribution 3: its secret is not that of its beacon");
    // A party that calls itself a beacon.
    let mut scene = with_chain(|list| list[2].beacon = Some(BEACON.parse().unwrap()));
    scene.refused("contribution 3: its secret is not that of its beacon");
    scene.pins.beacon = None;
    scene.refused("beacon 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20:10, needed none");
    let late = [Next::Party("one"), Next::Beacon, Next::Party("two")];
    Scene::from(initial(), late).refused("contribution 3: it follows a beacon");
    // A beacon that would take years is refused for where it stands, or for being none that was asked for.
    let mut years = with_chain(|list| list[2].beacon = Some(BEACON.replace(":10", ":63").parse().unwrap()));
    years.pins.beacon = Some(BEACON.parse().unwrap());
    years.refused(":63, needed 0102");
    for bad in ["", "00", ":10", "00:9", "00:64", "0:10", "zz:10", "00:10:10"] {
        assert!(bad.parse::<Beacon>().is_err(), "{bad}");
    }
    assert!(Beacon::new(vec![0; 256], 10).is_err());
}

#[test]
fn what_the_caller_names_must_be_there() {
    let with = |change: &dyn Fn(&mut Pins)| {
        let mut scene = Scene::good();
        change(&mut scene.pins);
        scene
    };
    with(&|pins| pins.contributions.clear()).refused("no contribution is named that you trust");
    with(&|pins| pins.contributions.reverse()).refused("after those named before it");
    with(&|pins| pins.contributions.push(pins.contributions[0])).refused("after those named before it");
    with(&|pins| pins.contributions[0] = hash_of(b"")).refused("zkey: no contribution 786a02f7");
    with(&|pins| pins.beacon = None).refused("needed none");
    with(&|pins| pins.beacon = Some("ff:10".parse().unwrap())).refused("needed ff:10");
    // A beacon is nobody whom one could trust.
    let scene = Scene::good();
    let hash = scene.check().unwrap().parties[2].hash;
    with(&|pins| pins.contributions = vec![hash]).refused("after those named before it");
}
