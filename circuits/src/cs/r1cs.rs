//! A system in the binary format of iden3 (`.r1cs`, version 1) with a `.sym` file of names, for auditing tools that know no other.
//!
//! The order of wires is the same: the constant one, public wires, private ones. The public input counts as a public *input*.

use std::io::{self, Write};

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};

use super::{System, Wire};

/// Bytes of a field element.
const FIELD_BYTES: u32 = 32;

impl System {
    /// Writes the matrices as iden3 `.r1cs`.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_r1cs(&self, to: &mut impl Write) -> io::Result<()> {
        let matrices = &self.matrices;
        let count =
            |n: usize| u32::try_from(n).map_err(|_| io::Error::other("a circuit of 2^32 rows or more has no such file"));
        let (rows, wires) = (count(matrices.rows())?, count(self.wires)?);
        to.write_all(b"r1cs")?;
        put(to, 1)?;
        put(to, 3)?;
        // Header: field, wires, public outputs and inputs, private inputs, labels, constraints.
        section(to, 1, 4 + u64::from(FIELD_BYTES) + 4 * 4 + 8 + 4)?;
        put(to, FIELD_BYTES)?;
        to.write_all(&Fr::MODULUS.to_bytes_le())?;
        put(to, wires)?;
        put(to, 0)?;
        put(to, self.instance as u32 - 1)?;
        put(to, wires - self.instance as u32)?;
        to.write_all(&u64::from(wires).to_le_bytes())?;
        put(to, rows)?;
        // Constraints: for each row three lists of wire and coefficient.
        let entries: usize = matrices.non_zeros().iter().sum();
        section(to, 2, 12 * u64::from(rows) + entries as u64 * u64::from(4 + FIELD_BYTES))?;
        for row in 0..matrices.rows() {
            for side in 0..3 {
                let terms: Vec<(Wire, Fr)> = matrices.terms(side, row).collect();
                put(to, count(terms.len())?)?;
                for (wire, c) in terms {
                    put(to, wire)?;
                    to.write_all(&c.into_bigint().to_bytes_le())?;
                }
            }
        }
        // Labels: a wire's is its number.
        section(to, 3, 8 * u64::from(wires))?;
        for wire in 0..u64::from(wires) {
            to.write_all(&wire.to_le_bytes())?;
        }
        Ok(())
    }

    /// Writes names as `.sym`: `label,wire,component,name` on a line for each wire but the constant. A name is made of the regions and the
    /// rule of the first row that reads the wire, of what it is where the witness chooses it, and of its number.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_sym(&self, to: &mut impl Write) -> io::Result<()> {
        let mut first = vec![usize::MAX; self.wires];
        for row in (0..self.matrices.rows()).rev() {
            for side in 0..3 {
                for (wire, _) in self.matrices.terms(side, row) {
                    first[wire as usize] = row;
                }
            }
        }
        let mut chosen = self.marks.chosen().iter().peekable();
        for (wire, row) in first.iter().enumerate().skip(1) {
            let what = chosen.next_if(|(w, _)| *w as usize == wire).map_or("computed", |(_, what)| what);
            let what = if wire < self.instance { "public" } else { what };
            let region = if *row == usize::MAX { "" } else { self.region(*row) };
            let name = format!("main.{}.{}.{what}.{wire}", region.replace(" / ", "."), self.rule(*row));
            let plain: String = name
                .chars()
                .filter(|c| !matches!(c, '(' | ')' | ',' | '\'' | ':'))
                .map(|c| if c == ' ' { '_' } else { c })
                .collect();
            writeln!(to, "{wire},{wire},0,{plain}")?;
        }
        Ok(())
    }
}

fn put(to: &mut impl Write, n: u32) -> io::Result<()> {
    to.write_all(&n.to_le_bytes())
}

fn section(to: &mut impl Write, kind: u32, bytes: u64) -> io::Result<()> {
    put(to, kind)?;
    to.write_all(&bytes.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cs::{Cs, Mode};

    #[test]
    fn a_small_system_is_the_text_of_the_format() {
        let mut cs = Cs::new(Mode::Record, Fr::from(6u64));
        let (a, b) = (cs.chosen("factor", Fr::from(2u64)), cs.witness(Fr::from(3u64)));
        let public = cs.public();
        cs.enter("product (one), here");
        cs.enforce("a * b", &a, &b, &public);
        cs.leave();
        let system = cs.into_parts().0;
        let mut bytes = Vec::new();
        system.write_r1cs(&mut bytes).unwrap();
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((&bytes[..4], u32_at(4), u32_at(8)), (&b"r1cs"[..], 1, 3));
        // Wires, outputs, public and private inputs, then labels, then constraints.
        assert_eq!([60, 64, 68, 72, 84].map(u32_at), [4, 0, 1, 2, 1]);
        assert_eq!(bytes.len(), 12 + 12 + 64 + 12 + 12 + 3 * 36 + 12 + 4 * 8);
        let mut names = Vec::new();
        system.write_sym(&mut names).unwrap();
        let names = String::from_utf8(names).unwrap();
        let lines: Vec<&str> = names.lines().collect();
        assert_eq!(lines[1], "2,2,0,main.product_one_here.a_*_b.factor.2");
        assert_eq!(lines.len(), 3);
    }
}
