//! What authors sign: the digest of a transaction (PROTOCOL.md, section 5.3).

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_verifier::poseidon;

use super::Transaction;
use crate::amount::Amount;
use crate::field::{pack, tag};
use crate::shape::SlotKind;
use crate::signature::{SecretKey, SignatureError};

impl Transaction {
    /// `amt1 + 2^96 amt2` of single kinds: c3 of section 5.2.
    fn further_amounts(&self) -> Fr {
        let (amt1, amt2) = match self {
            Self::Swap { min_out, .. } => (*min_out, Amount::ZERO),
            Self::CreatePool { amount1, .. } => (*amount1, Amount::ZERO),
            Self::AddLiquidity { max1, min_shares, .. } => (*max1, *min_shares),
            Self::RemoveLiquidity { min0, min1, .. } => (*min0, *min1),
            _ => (Amount::ZERO, Amount::ZERO),
        };
        pack(&[(amt1.get(), 0), (amt2.get(), Amount::BITS as usize)])
    }

    /// The digest after this transaction, when it was `run` before. The message of a bundle is the digest after its last member, that of
    /// a transaction on its own the digest with `run = 0`. A deposit has none that anybody signs; its nonce and expiry count as 0.
    pub fn digest(&self, run: Fr, chain_id: u32) -> Fr {
        let e1 = self.data_elements()[0];
        let fee = self.fee();
        let (nonce, expiry) = self.signed().map_or((0, 0), |signed| (signed.nonce, signed.expiry));
        let c2 = pack(&[(fee.token.get().into(), 0), (fee.amount.get(), 30), (nonce.into(), 126), (expiry.into(), 190)]);
        let (x, y) = self.key();
        let chain = |shift| pack(&[(chain_id.into(), shift)]);
        match self.slot_kind() {
            SlotKind::Pair => poseidon::hash(&[Fr::from(tag::PAIR), run, e1 + chain(194), c2, x, y]),
            SlotKind::Single => {
                let [hi, lo] = match self {
                    Self::Withdraw { destination, .. } => destination.limbs(),
                    _ => [Fr::zero(); 2],
                };
                poseidon::hash(&[Fr::from(tag::SINGLE), run, e1 + chain(208), c2, self.further_amounts(), hi, lo, x, y])
            }
        }
    }

    /// Signs the transaction on its own. A deposit is left as it is: nobody signs it.
    ///
    /// # Errors
    /// [`SignatureError`] with a chance below `2^-60`: sign again with another fee or expiry.
    pub fn sign(&mut self, key: &SecretKey, chain_id: u32) -> Result<(), SignatureError> {
        let message = self.digest(Fr::zero(), chain_id);
        if let Some(signed) = self.signed_mut() {
            signed.message = None;
            signed.signature = key.sign(message)?;
        }
        Ok(())
    }

    /// The transaction, signed on its own.
    ///
    /// # Errors
    /// As [`Transaction::sign`].
    pub fn signed_by(mut self, key: &SecretKey, chain_id: u32) -> Result<Self, SignatureError> {
        self.sign(key, chain_id)?;
        Ok(self)
    }
}
