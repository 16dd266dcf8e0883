//! Elements of the scalar field Fr of BN254: how integers and byte strings enter hash inputs (PROTOCOL.md, section 1).

use ark_bn254::Fr;
use ark_ff::{BigInt, PrimeField};

/// The domain tags of section 2: the first element of every hash whose arity does not tell it apart.
pub mod tag {
    /// Added as `2^64 * 1` to the nonce of an account leaf.
    pub const ACCOUNT: u64 = 1;
    /// Pool leaf.
    pub const POOL: u64 = 2;
    /// State root.
    pub const STATE: u64 = 3;
    /// Digest of a pair transaction.
    pub const PAIR: u64 = 4;
    /// Digest of a single transaction.
    pub const SINGLE: u64 = 5;
    /// Published data, one step.
    pub const DATA: u64 = 6;
    /// Published data, start.
    pub const DATA_START: u64 = 7;
    /// Deposit queue, one step.
    pub const DEPOSIT: u64 = 8;
    /// Withdrawals, one step: the lowest byte of the first element.
    pub const WITHDRAWAL: u64 = 9;
    /// Withdrawals, start.
    pub const WITHDRAWAL_START: u64 = 10;
}

/// `2^exponent` as an element, for `exponent < 254`.
///
/// # Panics
/// If the exponent is 254 or more: exponents are fixed by the caller's code, never by data.
pub fn two_to_the(exponent: usize) -> Fr {
    assert!(exponent < 254, "2^{exponent} is not below the field's order");
    let mut limbs = [0u64; 4];
    limbs[exponent / 64] = 1 << (exponent % 64);
    Fr::from_bigint(BigInt(limbs)).expect("2^253 is below the field's order")
}

/// `sum of value * 2^shift` over the terms. The ranges of section 1 keep the terms from overlapping and the sum below `2^253`.
pub fn pack(terms: &[(u128, usize)]) -> Fr {
    terms.iter().map(|&(value, shift)| Fr::from(value) * two_to_the(shift)).sum()
}

/// The two limbs `hi, lo` of a 32-byte string.
pub fn limbs(bytes: &[u8; 32]) -> [Fr; 2] {
    let (hi, lo) = bytes.split_at(16);
    let read = |half: &[u8]| half.iter().fold(0u128, |x, b| (x << 8) | u128::from(*b));
    [Fr::from(read(hi)), Fr::from(read(lo))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_is_place_value() {
        assert_eq!(pack(&[(5, 0), (3, 8)]), Fr::from(5u64 + 3 * 256));
        assert_eq!(two_to_the(253), Fr::from(2u64).pow_253());
        let mut bytes = [0; 32];
        bytes[15] = 1;
        bytes[31] = 2;
        bytes[30] = 1;
        assert_eq!(limbs(&bytes), [Fr::from(1u64), Fr::from(258u64)]);
    }

    trait Pow253 {
        fn pow_253(self) -> Self;
    }
    impl Pow253 for Fr {
        fn pow_253(self) -> Self {
            (0..253).fold(Fr::from(1u64), |x, _| x * self)
        }
    }
}
