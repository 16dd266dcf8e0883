//! EdDSA-Poseidon on Baby Jubjub in the circuit, strictly as PROTOCOL.md section 3 has it, and the entry check of a new key.
//!
//! Verified is `R8 = 8 (S G - h A)` with `G = 8^-1 B8`, which is `S B8 = R8 + 8 h A` because A and B8 lie in the prime-order subgroup. Both
//! multiplications run in Montgomery coordinates (`v^2 = u^3 + 168698 u^2 + u`), where an addition takes three rows if it is known not to be
//! degenerate. An incomplete addition of equal points leaves its slope *free*, so each one here is either
//! excluded by an argument about multiples or by a row:
//!
//! - **`h A`.** The accumulator holds only multiples of A, and A has order l exactly (keys enter the state in the subgroup and not the identity; the
//!   empty leaf's (0, 0) fails the change of coordinates). With `V = h + c`, `c = -2^254 mod l`, and digits `d_i = 2 v_i - 1`, the ladder goes
//!   `m -> 2m + d_i` from m = 3 and ends at `2 (2^254 + V) + 1 = 2h + 1 mod l`. After j steps `2^(j+1) < m < 2^(j+2)`, so `m A = +-A` and
//!   `(m + d) A = +-m A` are impossible while `2m + 1 < l`, that is for j < 248. Each of the last six steps carries two rows
//!   that its denominators are not zero.
//! - **`S G`.** Windows of three signed bits: digits `+-1, +-3, +-5, +-7` times `8^i G`. All multiples are known integers; only the last window could
//!   meet the accumulator (see the test), and it carries a row.
//! - The three parts are joined by complete additions on the Edwards curve.
//!
//! The bits of V are canonical because V lies between `LOW + c` and `HIGH + c - 1`, an interval shorter than r; both bounds
//! end in at least 190 equal bits, so that each comparison ends after the top 64 bits.

use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ec::{AdditiveGroup, CurveGroup, twisted_edwards::TECurveConfig};
use ark_ff::{BigInt, BigInteger, Field, One, PrimeField, Zero};

use super::curve::{B8, BabyJubjub, Point, ProjectivePoint, Scalar, unpack};
use super::{HIGH, LOW, S_MAX};
use crate::cs::{Cs, Lemma, Num, poseidon};

/// Montgomery coefficient A; B is 1.
const MONTGOMERY_A: u64 = 168_698;
/// Windows of three bits in S.
const WINDOWS: usize = 84;
/// Windows whose bits are compared with `S_MAX`, which has 3 * 62 trailing zeros.
const TOP_WINDOWS: usize = 22;
/// Bits of the shifted challenge V.
const CHALLENGE_BITS: usize = 254;
/// Ladder steps that no argument about multiples covers.
const CHECKED_STEPS: usize = 6;

const CURVE: &str = "curve arithmetic is computed correctly";
const DEGENERATE: &str = "no point addition is degenerate";
const KEY_POINT: &str = "the signer's key is a point of the curve other than the identity";
const S_BELOW: &str = "S is canonical";
const S_BITS: &str = "S is made of bits";
const CHALLENGE: &str = "the challenge is decomposed canonically";
const SIGNATURE: &str = "the signature verifies";
const ENTRY: &str = "a new key lies in the prime-order subgroup and is not the identity";

/// A point of the Edwards curve, or of the Montgomery curve where a function says so.
#[derive(Clone, Debug)]
pub struct PointVar {
    /// x (or u).
    pub x: Num,
    /// y (or v).
    pub y: Num,
}

impl PointVar {
    /// A point on two free wires.
    pub fn witness(cs: &mut Cs, x: Fr, y: Fr) -> Self {
        Self { x: cs.witness(x), y: cs.witness(y) }
    }

    /// A point on two wires that the witness chooses.
    pub fn chosen(cs: &mut Cs, what: &'static str, x: Fr, y: Fr) -> Self {
        Self { x: cs.chosen(what, x), y: cs.chosen(what, y) }
    }
}

/// Enforces, where `enabled` (boolean) holds, that `(r8, s)` signs `message` under `key`.
///
/// `key` must be a point of order l, in every slot: where nothing is signed the caller puts a fixed key there. `r8` is a free witness, `s` an
/// integer below 2^252 that is not zero.
pub fn enforce_signed(cs: &mut Cs, enabled: &Num, key: &PointVar, message: &Num, r8: (Fr, Fr), s: BigInt<4>) {
    let r8 = PointVar::chosen(cs, "signature", r8.0, r8.1);
    let h = poseidon::hash(cs, &[r8.x.clone(), r8.y.clone(), key.x.clone(), key.y.clone(), message.clone()]);
    let twice_s = fixed_base(cs, s);
    let twice_h_plus_1 = ladder(cs, key, &h);
    // U = 2 S G + A - (2h + 1) A, and R8 = 4 U.
    let minus = PointVar { x: -&twice_h_plus_1.x, y: twice_h_plus_1.y };
    let sum = add(cs, &twice_s, key);
    let sum = add(cs, &sum, &minus);
    let doubled = double(cs, &sum);
    let expected = double(cs, &doubled);
    cs.enforce_equal_if(SIGNATURE, enabled, &expected.x, &r8.x);
    cs.enforce_equal_if(SIGNATURE, enabled, &expected.y, &r8.y);
}

/// Enforces that `key = 8 B` for a point B of the curve, and that its x is not 0; 21 rows.
pub fn enforce_valid_key(cs: &mut Cs, key: &PointVar) {
    let eighth = eighth(&Point::new_unchecked(key.x.value(), key.y.value())).unwrap_or(B8);
    let first = cs.rows();
    let (base, eight) = eight_times_witness(cs, eighth);
    cs.enforce_equal(ENTRY, &eight.x, &key.x);
    cs.enforce_equal(ENTRY, &eight.y, &key.y);
    cs.claim(Lemma::Eighth, [&base.x, &base.y], first);
    cs.enforce_nonzero(ENTRY, &key.x);
}

/// Whether a point of the curve is a valid key: 1 if it is, 0 if it is not; 36 rows. No witness satisfies them for what is not on the curve.
///
/// The curve's group is cyclic of order 8 l, so that each of its points is `8 B + j T` for some B, one j from 0 to 7, and T of order 8. It lies
/// in the prime-order subgroup if and only if j = 0; the identity is the one point there with x = 0.
pub fn classify_key(cs: &mut Cs, key: &PointVar) -> Num {
    let point = Point::new_unchecked(key.x.value(), key.y.value());
    let torsion = torsion();
    let (j, eighth) = (0..8).find_map(|j| eighth(&(point - torsion[j]).into_affine()).map(|b| (j, b))).unwrap_or((0, B8));
    let first = cs.rows();
    let (base, eight) = eight_times_witness(cs, eighth);
    let bits: [Num; 3] = std::array::from_fn(|i| cs.bit(ENTRY, (j >> i) & 1 == 1));
    let monomials = cs.monomials(ENTRY, &bits);
    let offset = PointVar {
        x: Num::interpolate(&monomials, &torsion.map(|t| t.x)),
        y: Num::interpolate(&monomials, &torsion.map(|t| t.y)),
    };
    let sum = add(cs, &eight, &offset);
    cs.enforce_equal(ENTRY, &sum.x, &key.x);
    cs.enforce_equal(ENTRY, &sum.y, &key.y);
    cs.claim(Lemma::Classes, bits.iter().chain([&base.x, &base.y]), first);
    let in_subgroup = Num::interpolate(&monomials, &std::array::from_fn(|j| Fr::from(j == 0)));
    let x_is_zero = cs.is_zero(ENTRY, &key.x);
    cs.mul(ENTRY, &in_subgroup, &x_is_zero.not())
}

/// A witness B on the curve, and `8 B`; 18 rows.
fn eight_times_witness(cs: &mut Cs, b: Point) -> (PointVar, PointVar) {
    let base = PointVar::witness(cs, b.x, b.y);
    let x2 = cs.mul(ENTRY, &base.x, &base.x);
    let y2 = cs.mul(ENTRY, &base.y, &base.y);
    let left = &x2.scale(BabyJubjub::COEFF_A) + &y2;
    cs.enforce(ENTRY, &x2.scale(BabyJubjub::COEFF_D), &y2, &(&left - &Num::one()));
    let two = double(cs, &base);
    let four = double(cs, &two);
    let eight = double(cs, &four);
    (base, eight)
}

/// `8^-1 A`, if A lies in the prime-order subgroup.
fn eighth(a: &Point) -> Option<Point> {
    let scalar = Scalar::from(8u64).inverse().expect("l is odd");
    (a.is_on_curve() && a.is_in_correct_subgroup_assuming_on_curve()).then(|| (*a * scalar).into_affine())
}

/// The multiples 0 to 7 of a point of order 8.
fn torsion() -> [Point; 8] {
    static TORSION: OnceLock<[Point; 8]> = OnceLock::new();
    *TORSION.get_or_init(|| {
        // l P has order 8 for every other point P of the curve.
        let order = Scalar::MODULUS;
        let generator = (2..=u8::MAX)
            .filter_map(|y| {
                let mut bytes = [0; 32];
                bytes[0] = y;
                unpack(&bytes).ok()
            })
            .map(|p| BabyJubjub::mul_affine(&p, order.as_ref()))
            .find(|t| t.double().double() != ProjectivePoint::zero())
            .expect("half of all points have a component of order 8");
        std::array::from_fn(|j| BabyJubjub::mul_projective(&generator, &[j as u64]).into_affine())
    })
}

/// Complete addition; 7 rows.
fn add(cs: &mut Cs, p: &PointVar, q: &PointVar) -> PointVar {
    let (a, d) = (BabyJubjub::COEFF_A, BabyJubjub::COEFF_D);
    let beta = cs.mul(CURVE, &p.x, &q.y);
    let gamma = cs.mul(CURVE, &p.y, &q.x);
    let delta = cs.mul(CURVE, &(&p.y - &p.x.scale(a)), &(&q.x + &q.y));
    let tau = cs.mul(CURVE, &beta, &gamma).scale(d);
    let x = quotient(cs, CURVE, Lemma::CompleteAddition, &(&beta + &gamma), &(&Num::one() + &tau));
    let y = quotient(cs, CURVE, Lemma::CompleteAddition, &(&(&delta + &beta.scale(a)) - &gamma), &(&Num::one() - &tau));
    PointVar { x, y }
}

/// Complete doubling; 5 rows.
fn double(cs: &mut Cs, p: &PointVar) -> PointVar {
    let (a, d) = (BabyJubjub::COEFF_A, BabyJubjub::COEFF_D);
    let beta = cs.mul(CURVE, &p.x, &p.y);
    let delta = cs.mul(CURVE, &(&p.y - &p.x.scale(a)), &(&p.x + &p.y));
    let tau = cs.mul(CURVE, &beta, &beta).scale(d);
    let x = quotient(cs, CURVE, Lemma::CompleteAddition, &beta.scale(Fr::from(2u64)), &(&Num::one() + &tau));
    let y = quotient(cs, CURVE, Lemma::CompleteAddition, &(&(&delta + &beta.scale(a)) - &beta), &(&Num::one() - &tau));
    PointVar { x, y }
}

/// The wire q with `q * denominator = numerator`. The caller knows that the denominator is not zero.
fn quotient(cs: &mut Cs, rule: &'static str, lemma: Lemma, numerator: &Num, denominator: &Num) -> Num {
    let q = cs.witness(numerator.value() * denominator.value().inverse().unwrap_or_default());
    cs.enforce(rule, &q, denominator, numerator);
    cs.divisor_is_not_zero(lemma);
    q
}

/// From Montgomery to Edwards: `x = u / v`, `y = (u - 1) / (u + 1)`. Points of odd order other than the identity have `v != 0` and `u != -1`.
fn to_edwards(cs: &mut Cs, p: &PointVar) -> PointVar {
    let x = quotient(cs, CURVE, Lemma::Coordinates, &p.x, &p.y);
    let y = quotient(cs, CURVE, Lemma::Coordinates, &(&p.x - &Num::one()), &(&p.x + &Num::one()));
    PointVar { x, y }
}

/// `p + q` on the Montgomery curve for `p != +-q`; 3 rows.
fn add_distinct(cs: &mut Cs, lemma: Lemma, p: &PointVar, q: &PointVar) -> PointVar {
    let slope = quotient(cs, CURVE, lemma, &(&q.y - &p.y), &(&q.x - &p.x));
    third(cs, &slope, p, &q.x)
}

/// The negative of the third point on the line of this slope through p and a point with x coordinate `other`.
fn third(cs: &mut Cs, slope: &Num, p: &PointVar, other: &Num) -> PointVar {
    let x = third_x(cs, slope, &p.x, other);
    let run = &p.x - &x;
    let y = cs.witness(slope.value() * run.value() - p.y.value());
    cs.enforce(CURVE, &run, slope, &(&y + &p.y));
    PointVar { x, y }
}

fn third_x(cs: &mut Cs, slope: &Num, p: &Num, q: &Num) -> Num {
    let known = &(p + q) + &Num::from(MONTGOMERY_A);
    let x = cs.witness(slope.value().square() - known.value());
    cs.enforce(CURVE, slope, slope, &(&x + &known));
    x
}

/// `(2h + 1) A` for `LOW <= h < HIGH`, on the Edwards curve.
fn ladder(cs: &mut Cs, key: &PointVar, h: &Num) -> PointVar {
    let shift = challenge_shift();
    // V as an integer: it may exceed r, so its bits come from integer arithmetic, not from a field element.
    let mut v = h.value().into_bigint();
    v.add_with_carry(&shift);
    let first = cs.rows();
    let bits: Vec<Num> = (0..CHALLENGE_BITS).map(|i| cs.bit(CHALLENGE, v.get_bit(i))).collect();
    let shifted = h + &Num::constant(fr(shift));
    cs.enforce_equal(CHALLENGE, &Cs::pack(&bits), &shifted);
    let (low, high) = challenge_bounds();
    cs.enforce_bits_at_most(CHALLENGE, &bits, high);
    let complements: Vec<Num> = bits.iter().map(Num::not).collect();
    cs.enforce_bits_at_most(CHALLENGE, &complements, low);
    cs.claim(Lemma::Challenge, &bits, first);

    // The key in Montgomery form: u = (1 + y) / (1 - y), v = u / x. (0, 1) and (0, 0) fail here.
    let one = Num::one();
    let u = quotient(cs, KEY_POINT, Lemma::Unsolvable, &(&one + &key.y), &(&one - &key.y));
    let v = quotient(cs, KEY_POINT, Lemma::Unsolvable, &u, &key.x);
    let a = PointVar { x: u, y: v };

    // 3 A = 2 A + A; none of the three is the identity and 2 A != +-A, as A has order l.
    let u2 = cs.mul(CURVE, &a.x, &a.x);
    let rise = Num::weighted([(&u2, Fr::from(3u64)), (&a.x, Fr::from(2 * MONTGOMERY_A)), (&one, Fr::one())]);
    let slope = quotient(cs, CURVE, Lemma::Ladder, &rise, &a.y.scale(Fr::from(2u64)));
    let twice = third(cs, &slope, &a, &a.x);
    let mut p = add_distinct(cs, Lemma::Ladder, &twice, &a);

    for (step, bit) in bits.iter().rev().enumerate() {
        let checked = step >= CHALLENGE_BITS - CHECKED_STEPS;
        let lemma = if checked { Lemma::Checked } else { Lemma::Ladder };
        // p <- (p + d A) + p, without the y coordinate of p + d A.
        let digit = &bit.scale(Fr::from(2u64)) - &one;
        let signed = cs.mul(CURVE, &a.y, &digit);
        let run = &a.x - &p.x;
        let first = quotient(cs, CURVE, lemma, &(&signed - &p.y), &run);
        let between = third_x(cs, &first, &p.x, &a.x);
        let run_back = &p.x - &between;
        let sum = quotient(cs, CURVE, lemma, &p.y.scale(Fr::from(2u64)), &run_back);
        if checked {
            cs.enforce_nonzero(DEGENERATE, &run);
            cs.enforce_nonzero(DEGENERATE, &run_back);
        }
        p = third(cs, &(&sum - &first), &p, &between);
    }
    to_edwards(cs, &p)
}

/// `2 S G` with `G = 8^-1 B8`, on the Edwards curve, and that S is below `S_MAX`.
fn fixed_base(cs: &mut Cs, s: BigInt<4>) -> PointVar {
    let table = Table::get();
    let mut high_digits = Vec::with_capacity(TOP_WINDOWS);
    let mut sum: Option<PointVar> = None;
    for (i, window) in table.windows.iter().enumerate() {
        // S = sum w_i 8^i, and 2S + 1 - 8^84 = sum (2 w_i - 7) 8^i. A digit 2w - 7 is a sign and a magnitude 1 + 2 (b0 + 2 b1).
        let w = (0..3).fold(0usize, |w, b| w | usize::from(s.get_bit(3 * i + b)) << b);
        let positive = w >= 4;
        let magnitude = if positive { w - 4 } else { 3 - w };
        let b0 = cs.chosen_bit(S_BITS, "signature", magnitude & 1 == 1);
        let b1 = cs.chosen_bit(S_BITS, "signature", magnitude & 2 == 2);
        let sign = cs.chosen_bit(S_BITS, "signature", positive);
        let both = cs.mul(CURVE, &b0, &b1);
        let point = match window {
            Window::First(points) => {
                // The start holds the constant (8^84 - 1) G as well, so there is one point for each signed digit.
                let coordinate = |cs: &mut Cs, f: fn(&(Fr, Fr)) -> Fr| {
                    let plus = lookup(&points[4..].iter().map(f).collect::<Vec<_>>(), &b0, &b1, &both);
                    let minus = lookup(&points[..4].iter().rev().map(f).collect::<Vec<_>>(), &b0, &b1, &both);
                    cs.select(CURVE, &sign, &plus, &minus)
                };
                PointVar { x: coordinate(cs, |p| p.0), y: coordinate(cs, |p| p.1) }
            }
            Window::Signed(points) => {
                let u = lookup(&points.map(|p| p.0), &b0, &b1, &both);
                let v = lookup(&points.map(|p| p.1), &b0, &b1, &both);
                let digit = &sign.scale(Fr::from(2u64)) - &Num::one();
                PointVar { x: u, y: cs.mul(CURVE, &v, &digit) }
            }
        };
        sum = Some(match sum {
            None => point,
            Some(before) => {
                let last = i == WINDOWS - 1;
                if last {
                    cs.enforce_nonzero(DEGENERATE, &(&point.x - &before.x));
                }
                add_distinct(cs, if last { Lemma::Checked } else { Lemma::Windows }, &before, &point)
            }
        });
        if i >= WINDOWS - TOP_WINDOWS {
            let magnitude = Num::weighted([(&Num::one(), Fr::one()), (&b0, Fr::from(2u64)), (&b1, Fr::from(4u64))]);
            let digit = &sign.scale(Fr::from(2u64)) - &Num::one();
            high_digits.push(cs.mul(S_BELOW, &magnitude, &digit));
        }
    }
    // floor(S / 2^186) = sum over the top windows of (digit + 7) / 2 * 8^i <= S_MAX / 2^186 - 1.
    let mut weight = Fr::from(2u64).inverse().expect("2 is not zero");
    let mut top = Num::zero();
    for digit in &high_digits {
        top = top.add_scaled(&(digit + &Num::from(7)), weight);
        weight *= Fr::from(8u64);
    }
    let mut bound = S_MAX;
    bound >>= 186;
    let slack = &Num::constant(fr(bound) - Fr::one()) - &top;
    cs.enforce_range(S_BELOW, &slack, 3 * TOP_WINDOWS);
    to_edwards(cs, &sum.expect("there are windows"))
}

/// `values[b0 + 2 b1]`, given `both = b0 * b1`; no rows.
fn lookup(values: &[Fr], b0: &Num, b1: &Num, both: &Num) -> Num {
    let [v0, v1, v2, v3] = [values[0], values[1], values[2], values[3]];
    Num::weighted([(&Num::one(), v0), (b0, v1 - v0), (b1, v2 - v0), (both, v3 - v2 - v1 + v0)])
}

fn fr(x: BigInt<4>) -> Fr {
    Fr::from_bigint(x).expect("the constant is below r")
}

/// `c = -2^254 mod l`.
pub(crate) fn challenge_shift() -> BigInt<4> {
    (-Scalar::from(2u64).pow([254])).into_bigint()
}

/// For the bits of V: the greatest complement `2^254 - 1 - (LOW + c)`, and the greatest value `HIGH + c - 1`.
fn challenge_bounds() -> (BigInt<4>, BigInt<4>) {
    let shift = challenge_shift();
    let mut low = BigInt::<4>([u64::MAX, u64::MAX, u64::MAX, u64::MAX >> 2]);
    low.sub_with_borrow(&LOW);
    low.sub_with_borrow(&shift);
    let mut high = HIGH;
    high.add_with_carry(&shift);
    high.sub_with_borrow(&BigInt::from(1u64));
    (low, high)
}

/// Multiples of G in Montgomery coordinates.
struct Table {
    windows: Vec<Window>,
}

/// One of each circuit's 84 windows; they live in one table, so their size does not matter.
#[allow(clippy::large_enum_variant)]
enum Window {
    /// `(2w - 7 + 8^84 - 1) G` for w = 0 to 7.
    First([(Fr, Fr); 8]),
    /// `1, 3, 5, 7` times `8^i G`.
    Signed([(Fr, Fr); 4]),
}

impl Table {
    fn get() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(Self::derive)
    }

    fn derive() -> Self {
        let eight = Scalar::from(8u64);
        let generator = (B8 * eight.inverse().expect("l is odd")).into_affine();
        let constant = eight.pow([WINDOWS as u64]) - Scalar::one();
        let mut scale = Scalar::one();
        let windows = (0..WINDOWS)
            .map(|i| {
                let multiple = |k: Scalar| montgomery(&(generator * k).into_affine());
                let window = if i == 0 {
                    Window::First(std::array::from_fn(|w| {
                        multiple(constant + Scalar::from(2 * w as u64) - Scalar::from(7u64))
                    }))
                } else {
                    Window::Signed(std::array::from_fn(|m| multiple(scale * Scalar::from(2 * m as u64 + 1))))
                };
                scale *= eight;
                window
            })
            .collect();
        Self { windows }
    }
}

fn montgomery(p: &Point) -> (Fr, Fr) {
    let u = (Fr::one() + p.y) * (Fr::one() - p.y).inverse().expect("the table holds no identity");
    (u, u * p.x.inverse().expect("the table holds no point of order 2"))
}
