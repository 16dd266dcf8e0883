//! Poseidon in the circuit, at `3 (8 t + R_P) - 3` rows and few non-zeros.
//!
//! Three rows make an S-box: `x * x = x2`, `x2 * x2 = x4`, `x4 * x = x^5`. The wire that the third row makes is not `x^5` but the
//! *input of a later S-box*: `x^5` is then a linear expression over wires and stands on the C side alone, so that most S-box inputs
//! on the A and B sides are single wires. For t = 9 that halves the non-zeros.
//!
//! What the S-boxes of one width look like over local wires is worked out once (`Template`) and then stamped out for each hash.
//!
//! The first layer of S-boxes is apart ([`first_layer`], [`finish`]): two hashes whose inputs differ in one place (a node before and after an
//! update) share the S-boxes of all other places.

use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};
use tapstone_verifier::poseidon::{FULL_ROUNDS, MAX_ARITY, Params};

use super::{Cs, Num, Wire};

const RULE: &str = "hash is computed correctly";

/// `P_n(inputs)`, 3 rows fewer for each constant input.
pub fn hash(cs: &mut Cs, inputs: &[Num]) -> Num {
    let layer = first_layer(cs, inputs);
    let output = finish(cs, &layer);
    cs.mark_inputs(inputs, &output);
    output
}

/// The hash whose first layer of S-boxes has these outputs.
pub fn of_layer(layer: &[Fr]) -> Fr {
    let template = Template::get(layer.len());
    let layer: Vec<Num> = layer.iter().map(|value| Num::constant(*value)).collect();
    template.evaluate(&layer)[template.output - 1 - template.inputs]
}

/// The first layer of S-boxes: `(x_i + c_i)^5` for each input; 3 rows each, none for constants.
pub fn first_layer(cs: &mut Cs, inputs: &[Num]) -> Vec<Num> {
    let constants = first_constants(inputs.len());
    inputs.iter().zip(constants).map(|(x, c)| cs.pow5(RULE, &(x + &Num::constant(*c)))).collect()
}

/// The round constants that the first layer adds to the inputs.
pub fn first_constants(arity: usize) -> &'static [Fr] {
    &params(arity).round_constants[1..=arity]
}

fn params(arity: usize) -> &'static Params {
    Params::get(arity).expect("gadgets hash 1 to 16 inputs")
}

/// The hash, given its first layer of S-boxes.
pub fn finish(cs: &mut Cs, layer: &[Num]) -> Num {
    let template = Template::get(layer.len());
    let values = template.evaluate(layer);
    if layer.iter().all(Num::is_constant) {
        return Num::constant(values[template.output - 1 - template.inputs]);
    }
    let recording = cs.recording();
    let mut locals: Vec<Num> = Vec::with_capacity(1 + layer.len() + values.len());
    locals.push(Num::one());
    locals.extend_from_slice(layer);
    for value in &values {
        let wire = cs.witness(*value);
        locals.push(wire);
    }
    for s_box in &template.s_boxes {
        let x2 = cs.witness(s_box_value(&s_box.input, &locals).square());
        let x4 = cs.witness(x2.value().square());
        if recording {
            let x = s_box.input.expand(&locals);
            let x5 = s_box.output.expand(&locals);
            cs.enforce(RULE, &x, &x, &x2);
            cs.enforce(RULE, &x2, &x2, &x4);
            cs.enforce(RULE, &x4, &x, &x5);
        }
    }
    let output = locals.swap_remove(template.output);
    cs.mark_hash(layer, &output);
    output
}

fn s_box_value(input: &Linear, locals: &[Num]) -> Fr {
    input.0.iter().map(|(i, c)| locals[*i].value() * c).sum()
}

/// A linear expression over a template's locals: 0 is the constant one, then the first layer, then the wires that the template makes.
#[derive(Clone, Debug)]
struct Linear(Vec<(usize, Fr)>);

impl Linear {
    fn expand(&self, locals: &[Num]) -> Num {
        if let [(local, c)] = self.0[..]
            && c.is_one()
        {
            return locals[local].clone();
        }
        let terms: Vec<(Wire, Fr)> =
            self.0.iter().flat_map(|(i, c)| locals[*i].terms().iter().map(move |(w, k)| (*w, *k * c))).collect();
        Num::from_terms(s_box_value(self, locals), true, terms)
    }
}

#[derive(Debug)]
struct SBox {
    input: Linear,
    output: Linear,
}

/// The S-boxes after the first layer, over local wires.
#[derive(Debug)]
struct Template {
    inputs: usize,
    s_boxes: Vec<SBox>,
    /// Local index of the hash's output.
    output: usize,
}

/// A dense expression over locals, used while the template is worked out.
type Dense = Vec<Fr>;

impl Template {
    fn get(arity: usize) -> &'static Self {
        static CACHE: [OnceLock<Template>; MAX_ARITY] = [const { OnceLock::new() }; MAX_ARITY];
        CACHE[arity - 1].get_or_init(|| Self::derive(params(arity)))
    }

    fn derive(p: &Params) -> Self {
        let t = p.width;
        let rounds = FULL_ROUNDS + p.partial_rounds;
        let half = FULL_ROUNDS / 2;
        // Locals: one, t - 1 inputs, t wires after each full round but the first and the last, one after each partial round.
        let locals = t + (FULL_ROUNDS - 2) * t + p.partial_rounds + t;
        let inverse = invert(&p.matrix, t);
        let mut made = t;
        let unit = |i: usize| {
            let mut e = vec![Fr::zero(); locals];
            e[i] = Fr::one();
            e
        };
        let constant_of = |round: usize, i: usize| p.round_constants[round * t + i];
        let mut s_boxes = Vec::new();
        // The outputs of the first layer: the capacity element is a constant.
        let mut layer: Vec<Dense> = (0..t).map(|i| if i == 0 { unit(0) } else { unit(i) }).collect();
        layer[0][0] = constant_of(0, 0).pow([5]);
        // state = matrix * layer + constants of the next round, written out over locals.
        let mix = |layer: &[Dense], round: usize| -> Vec<Dense> {
            (0..t)
                .map(|i| {
                    let mut sum = vec![Fr::zero(); locals];
                    for (j, y) in layer.iter().enumerate() {
                        add(&mut sum, y, p.matrix[i * t + j]);
                    }
                    if round < rounds {
                        sum[0] += constant_of(round, i);
                    }
                    sum
                })
                .collect()
        };
        let mut state = mix(&layer, 1);
        let mut round = 1;
        while round < rounds {
            let full = round < half || round >= half + p.partial_rounds;
            if full && round + 1 < rounds {
                // New wires: all inputs of the next round. Each S-box output follows from them by the inverse matrix.
                let next: Vec<Dense> = (made..made + t).map(unit).collect();
                made += t;
                for i in 0..t {
                    let mut output = vec![Fr::zero(); locals];
                    for (j, n) in next.iter().enumerate() {
                        add(&mut output, n, inverse[i * t + j]);
                        output[0] -= inverse[i * t + j] * constant_of(round + 1, j);
                    }
                    s_boxes.push(SBox { input: sparse(&state[i]), output: sparse(&output) });
                }
                state = next;
            } else if full {
                // Last round: wires for the S-box outputs 1.., and the hash itself, from which output 0 follows.
                let mut first = unit(made + t - 1);
                for j in 1..t {
                    add(&mut first, &unit(made + j - 1), -p.matrix[j]);
                }
                let scale = p.matrix[0].inverse().expect("entries of a Cauchy matrix are not zero");
                first.iter_mut().for_each(|c| *c *= scale);
                for (i, input) in state.iter().enumerate() {
                    let output = if i == 0 { first.clone() } else { unit(made + i - 1) };
                    s_boxes.push(SBox { input: sparse(input), output: sparse(&output) });
                }
                made += t;
            } else {
                // Partial: one new wire, the first input of the next round; the S-box output follows from it.
                let next = unit(made);
                made += 1;
                let scale = p.matrix[0].inverse().expect("entries of a Cauchy matrix are not zero");
                let mut output = next.clone();
                output[0] -= constant_of(round + 1, 0);
                for (s, m) in state.iter().zip(&p.matrix).skip(1) {
                    add(&mut output, s, -*m);
                }
                output.iter_mut().for_each(|c| *c *= scale);
                s_boxes.push(SBox { input: sparse(&state[0]), output: sparse(&output) });
                let mut layer = state;
                layer[0] = output;
                state = mix(&layer, round + 1);
                state[0] = next;
            }
            round += 1;
        }
        debug_assert_eq!(made, locals);
        Self { inputs: t - 1, s_boxes, output: locals - 1 }
    }

    /// Values of the wires that the template makes, by a plain run of the permutation.
    fn evaluate(&self, layer: &[Num]) -> Vec<Fr> {
        let p = params(self.inputs);
        let t = p.width;
        let rounds = FULL_ROUNDS + p.partial_rounds;
        let half = FULL_ROUNDS / 2;
        let mut out = Vec::with_capacity(FULL_ROUNDS * t + p.partial_rounds);
        let mut state = [Fr::zero(); MAX_ARITY + 1];
        state[0] = p.round_constants[0].pow([5]);
        for (s, y) in state[1..].iter_mut().zip(layer) {
            *s = y.value();
        }
        for round in 1..=rounds {
            let mut next = [Fr::zero(); MAX_ARITY + 1];
            let needed = if round == rounds { 1 } else { t };
            for (i, (n, row)) in next.iter_mut().zip(p.matrix.chunks_exact(t)).take(needed).enumerate() {
                *n = row.iter().zip(&state).map(|(m, s)| *m * s).sum();
                if round < rounds {
                    *n += p.round_constants[round * t + i];
                }
            }
            let full_before = round - 1 < half || round > half + p.partial_rounds;
            if round == rounds {
                out.extend_from_slice(&state[1..t]);
                out.push(next[0]);
                return out;
            }
            if round > 1 {
                out.extend_from_slice(&next[..if full_before { t } else { 1 }]);
            }
            let full = round < half || round >= half + p.partial_rounds;
            for s in &mut next[..if full { t } else { 1 }] {
                let s2 = s.square();
                *s *= s2.square();
            }
            state = next;
        }
        out
    }
}

fn add(to: &mut [Fr], from: &[Fr], factor: Fr) {
    for (t, f) in to.iter_mut().zip(from) {
        if !f.is_zero() {
            *t += *f * factor;
        }
    }
}

fn sparse(dense: &[Fr]) -> Linear {
    Linear(dense.iter().enumerate().filter(|(_, c)| !c.is_zero()).map(|(i, c)| (i, *c)).collect())
}

/// The inverse of a t x t matrix by Gauss and Jordan.
fn invert(matrix: &[Fr], t: usize) -> Vec<Fr> {
    let mut rows: Vec<Vec<Fr>> = (0..t)
        .map(|i| {
            let mut row = matrix[i * t..(i + 1) * t].to_vec();
            row.extend((0..t).map(|j| Fr::from(i == j)));
            row
        })
        .collect();
    for column in 0..t {
        let pivot = (column..t).find(|i| !rows[*i][column].is_zero()).expect("a Cauchy matrix is invertible");
        rows.swap(column, pivot);
        let scale = rows[column][column].inverse().expect("the pivot is not zero");
        rows[column].iter_mut().for_each(|x| *x *= scale);
        let pivot_row = rows[column].clone();
        for (i, row) in rows.iter_mut().enumerate() {
            if i != column {
                let factor = -row[column];
                add(row, &pivot_row, factor);
            }
        }
    }
    rows.into_iter().flat_map(|row| row[t..].to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cs::Mode;

    #[test]
    fn agrees_with_the_native_hash_and_has_the_known_number_of_rows() {
        for arity in 1..=MAX_ARITY {
            let values: Vec<Fr> = (0..arity as u64).map(|i| Fr::from(3 * i + 1)).collect();
            let mut cs = Cs::new(Mode::Record, Fr::zero());
            let inputs: Vec<Num> = values.iter().map(|v| cs.witness(*v)).collect();
            let out = hash(&mut cs, &inputs);
            assert_eq!(out.value(), tapstone_verifier::poseidon::hash(&values), "arity {arity}");
            let p = params(arity);
            assert_eq!(cs.rows(), 3 * (FULL_ROUNDS * p.width + p.partial_rounds) - 3);
            let (system, z) = cs.into_parts();
            assert_eq!(system.violations(&z, 3), []);
            assert_eq!(system.wires - 2 - arity, system.matrices.rows(), "one wire for each row");
            let mut wrong = z.clone();
            for i in (2..z.len()).step_by(7) {
                wrong[i] += Fr::one();
                assert!(!system.is_satisfied(&wrong), "arity {arity}: wire {i} is free");
                wrong[i] = z[i];
            }
        }
    }

    #[test]
    fn non_zeros_at_width_nine_stay_low() {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let inputs: Vec<Num> = (0..8u64).map(|v| cs.witness(Fr::from(v))).collect();
        hash(&mut cs, &inputs);
        let [a, b, c] = cs.into_parts().0.matrices.non_zeros();
        assert!(a + b + c < 7000, "{a} {b} {c}");
    }

    #[test]
    fn constants_cost_nothing() {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let x = cs.witness(Fr::from(5u64));
        let out = hash(&mut cs, &[Num::from(2), x]);
        assert_eq!(out.value(), tapstone_verifier::poseidon::hash(&[Fr::from(2u64), Fr::from(5u64)]));
        assert_eq!(cs.rows(), 240 - 3);
        let all = hash(&mut cs, &[Num::from(2), Num::from(5)]);
        assert!(all.is_constant());
        assert_eq!(all.value(), out.value());
    }
}
