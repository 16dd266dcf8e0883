//! Elements of the scalar field Fr of BN254: how integers and byte strings enter hash inputs (PROTOCOL.md, section 1).

pub use tapstone_verifier::layout::{limbs, pack, two_to_the};

/// The domain tags of section 2: the first element of every hash whose arity does not tell it apart.
pub mod tag {
    pub use tapstone_verifier::layout::tag::{
        ACCOUNT, DATA_SEGMENTS, DATA_START, POOL, STATE, WITHDRAWAL, WITHDRAWAL_SEGMENTS, WITHDRAWAL_START,
    };

    /// Digest of a pair transaction.
    pub const PAIR: u64 = 4;
    /// Digest of a single transaction.
    pub const SINGLE: u64 = 5;
    /// Published data, one step.
    pub const DATA: u64 = 6;
    /// Deposit queue, one step.
    pub const DEPOSIT: u64 = 8;
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::Fr;

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
