//! The checksum of output descriptors (BIP380).

use alloc::string::String;

/// BIP380's character set, in the order that gives each character its number.
const INPUT: &[u8] = b"0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
/// The 32 characters of a checksum.
const OUTPUT: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// Coefficients of the code's generator.
const GENERATOR: [u64; 5] = [0xf5_dee5_1989, 0xa9_fdca_3312, 0x1b_ab10_e32d, 0x37_06b1_677a, 0x64_4d62_6ffd];

fn step(c: u64, value: u64) -> u64 {
    let mut next = ((c & 0x7_ffff_ffff) << 5) ^ value;
    for (i, g) in GENERATOR.iter().enumerate() {
        if (c >> 35 >> i) & 1 == 1 {
            next ^= g;
        }
    }
    next
}

/// The eight characters that follow `#`; `None` if a character lies outside the descriptor alphabet.
pub(super) fn checksum(descriptor: &str) -> Option<String> {
    let mut c = 1;
    let (mut class, mut in_class) = (0, 0);
    for byte in descriptor.bytes() {
        let position = INPUT.iter().position(|x| *x == byte)? as u64;
        c = step(c, position & 31);
        class = class * 3 + (position >> 5);
        in_class += 1;
        if in_class == 3 {
            c = step(c, class);
            (class, in_class) = (0, 0);
        }
    }
    if in_class > 0 {
        c = step(c, class);
    }
    for _ in 0..8 {
        c = step(c, 0);
    }
    c ^= 1;
    Some((0..8).map(|i| char::from(OUTPUT[(c >> (5 * (7 - i)) & 31) as usize])).collect())
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn bip380_vectors() {
        assert_eq!(checksum("raw(deadbeef)").as_deref(), Some("89f8spxm"));
        assert_eq!(checksum("raw(dead\u{fc}beef)"), None);
    }
}
