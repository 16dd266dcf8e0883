//! The deposit queue's items and its head (PROTOCOL.md, section 5.4).

use std::fmt;
use std::str::FromStr;

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_verifier::poseidon;
use thiserror::Error;

use crate::amount::{Amount, TokenId, parse_decimal};
use crate::field::{limbs, pack, tag};
use crate::signature::curve::Point;

/// The text is not `TXID:VOUT`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected 64 lower-case hexadecimal digits, a colon and a canonical number below 2^32")]
pub struct ParseOutpointError;

/// An output of a Bitcoin transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outpoint {
    /// Transaction id in the byte order of serialised transactions, the reverse of what is displayed.
    pub txid: [u8; 32],
    /// Number of the output.
    pub vout: u32,
}

impl fmt::Display for Outpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.txid;
        shown.reverse();
        write!(f, "{}:{}", hex::encode(shown), self.vout)
    }
}

impl FromStr for Outpoint {
    type Err = ParseOutpointError;
    fn from_str(text: &str) -> Result<Self, ParseOutpointError> {
        let (txid_text, vout_text) = text.split_once(':').ok_or(ParseOutpointError)?;
        let mut txid = parse_hex(txid_text).ok_or(ParseOutpointError)?;
        txid.reverse();
        let vout = parse_decimal(vout_text, u32::MAX.into()).map_err(|_| ParseOutpointError)?;
        Ok(Self { txid, vout: u32::try_from(vout).map_err(|_| ParseOutpointError)? })
    }
}

/// `2 N` lower-case hexadecimal digits.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

/// The SHA-256 of a scriptPubKey: where a refund or a withdrawal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Destination(pub [u8; 32]);

impl Destination {
    /// The limbs `hi, lo` that enter hashes.
    pub fn limbs(&self) -> [Fr; 2] {
        limbs(&self.0)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Whom a deposit credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An account that exists.
    Account(u32),
    /// A new account with this key.
    Key(Point),
}

/// An item of the deposit queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueItem {
    /// The output on Bitcoin that holds the coins.
    pub outpoint: Outpoint,
    /// Whom it credits.
    pub target: Target,
    /// The token.
    pub token: TokenId,
    /// How much of it.
    pub amount: Amount,
    /// Where it goes if it cannot be credited.
    pub refund: Destination,
}

/// The queue's head after the item number `index` is appended to a queue whose head is `head`.
pub fn queue_head_after(head: Fr, index: u64, item: &QueueItem) -> Fr {
    let (account, new, x, y) = match item.target {
        Target::Account(account) => (account, 0, Fr::zero(), Fr::zero()),
        Target::Key(key) => (0, 1, key.x, key.y),
    };
    let p = pack(&[
        (index.into(), 0),
        (item.outpoint.vout.into(), 48),
        (account.into(), 80),
        (item.token.get().into(), 110),
        (item.amount.get(), 140),
        (new, 236),
    ]);
    let [txid_hi, txid_lo] = limbs(&item.outpoint.txid);
    let [dest_hi, dest_lo] = item.refund.limbs();
    poseidon::hash(&[Fr::from(tag::DEPOSIT), head, p, txid_hi, txid_lo, dest_hi, dest_lo, x, y])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> QueueItem {
        QueueItem {
            outpoint: Outpoint { txid: [7; 32], vout: 1 },
            target: Target::Account(3),
            token: TokenId::NATIVE,
            amount: Amount::from(5),
            refund: Destination([9; 32]),
        }
    }

    #[test]
    fn outpoints_are_shown_in_reverse_and_read_back() {
        let mut outpoint = item().outpoint;
        outpoint.txid[0] = 1;
        let text = outpoint.to_string();
        assert!(text.ends_with("01:1"));
        assert_eq!(text.parse(), Ok(outpoint));
        let id = "ab".repeat(32);
        for bad in [
            "",
            ":",
            &id,
            &format!("{id}:"),
            &format!("{id}:01"),
            &format!("{id}:4294967296"),
            &format!("{}:0", id.to_uppercase()),
            &format!("{}:0", &id[1..]),
        ] {
            assert!(bad.parse::<Outpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_part_of_an_item_moves_the_head() {
        let base = queue_head_after(Fr::zero(), 0, &item());
        let mut heads = vec![base, queue_head_after(Fr::from(1u64), 0, &item()), queue_head_after(Fr::zero(), 1, &item())];
        let changes: [fn(&mut QueueItem); 8] = [
            |i| i.outpoint.txid[31] ^= 1,
            |i| i.outpoint.txid[0] ^= 1,
            |i| i.outpoint.vout = 2,
            |i| i.target = Target::Account(4),
            |i| i.target = Target::Key(crate::signature::curve::B8),
            |i| i.token = TokenId::new(2).unwrap(),
            |i| i.amount = Amount::from(6),
            |i| i.refund.0[0] = 1,
        ];
        for change in changes {
            let mut changed = item();
            change(&mut changed);
            heads.push(queue_head_after(Fr::zero(), 0, &changed));
        }
        let distinct: std::collections::HashSet<_> = heads.iter().collect();
        assert_eq!(distinct.len(), heads.len());
    }
}
