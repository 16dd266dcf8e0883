//! The compact bytes of the three proofs (PROTOCOL.md, section 13): all numbers big-endian, nothing follows.
//!
//! What is allocated is bounded by the bytes that are there: counts are compared with what is left before anything is reserved.

use super::account::{AccountFormat, AccountLeaf, AccountProof};
use super::pool::{PoolFormat, PoolLeaf, PoolOpening, PoolProof};
use super::withdrawal::{Withdrawal, WithdrawalFormat, WithdrawalProof};
use super::{ARITY, Siblings, StateFields};
use crate::{error::ExitProofError, field::Element};
use alloc::vec::Vec;

const VERSION: u32 = 1;
const ACCOUNT: [u8; 4] = *b"TSXA";
const POOL: [u8; 4] = *b"TSXP";
const WITHDRAWAL: [u8; 4] = *b"TSXW";
/// Bytes of one level of a path.
const LEVEL: usize = 32 * (ARITY - 1);

/// Bytes of an amount.
const AMOUNT: usize = 12;

impl AccountProof {
    /// The compact bytes. A proof out of range, which [`AccountProof::from_bytes`] refuses, has none that stand for it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = start(ACCOUNT);
        put_state(&mut out, &self.state);
        out.extend(self.index.to_be_bytes());
        out.extend(self.account.key);
        out.extend(self.account.nonce.to_be_bytes());
        self.account.tokens.iter().for_each(|token| out.extend(token.to_be_bytes()));
        self.account.balances.iter().for_each(|balance| put_amount(&mut out, *balance));
        put_path(&mut out, &self.path);
        // At most 7, one for each slot, where the proof is in range.
        out.push(self.pools.len() as u8);
        self.pools.iter().for_each(|opening| put_opening(&mut out, opening));
        out
    }

    /// Reads what [`AccountProof::to_bytes`] writes for proofs in range, and nothing else. Whether it leads to a root is for
    /// [`verify_account`](super::verify_account).
    ///
    /// # Errors
    /// [`ExitProofError`] names what is wrong first.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ExitProofError> {
        let mut input = Input::start(bytes, ACCOUNT)?;
        let state = input.state()?;
        let index = input.u32("account index")?;
        let account = AccountLeaf {
            key: input.array("key")?,
            nonce: u64::from_be_bytes(input.array("nonce")?),
            tokens: input.each("token ids", Input::u32)?,
            balances: input.each("balances", Input::amount)?,
        };
        let path = input.path(state.account_depth)?;
        let [count] = input.array("number of pools")?;
        let pools = (0..count).map(|_| input.opening(&state)).collect::<Result<_, _>>()?;
        input.end()?;
        let proof = Self { format: AccountFormat, state, index, account, path, pools };
        proof.check()?;
        Ok(proof)
    }
}

impl PoolProof {
    /// The compact bytes. A proof out of range, which [`PoolProof::from_bytes`] refuses, has none that stand for it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = start(POOL);
        put_state(&mut out, &self.state);
        put_opening(&mut out, &self.opening);
        out
    }

    /// Reads what [`PoolProof::to_bytes`] writes for proofs in range, and nothing else.
    ///
    /// # Errors
    /// [`ExitProofError`] names what is wrong first.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ExitProofError> {
        let mut input = Input::start(bytes, POOL)?;
        let state = input.state()?;
        let opening = input.opening(&state)?;
        input.end()?;
        let proof = Self { format: PoolFormat, state, opening };
        proof.check()?;
        Ok(proof)
    }
}

impl WithdrawalProof {
    /// The compact bytes. A proof out of range, which [`WithdrawalProof::from_bytes`] refuses, has none that stand for it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = start(WITHDRAWAL);
        out.extend(self.chain_id.to_be_bytes());
        out.extend(self.batch_number.to_be_bytes());
        out.extend(self.position.to_be_bytes());
        put_withdrawal(&mut out, &self.withdrawal);
        out.extend(self.before.to_be_bytes());
        // Below 2^20 where the proof is in range.
        out.extend((self.later.len() as u32).to_be_bytes());
        self.later.iter().for_each(|withdrawal| put_withdrawal(&mut out, withdrawal));
        out
    }

    /// Reads what [`WithdrawalProof::to_bytes`] writes for proofs in range, and nothing else.
    ///
    /// # Errors
    /// [`ExitProofError`] names what is wrong first.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ExitProofError> {
        let mut input = Input::start(bytes, WITHDRAWAL)?;
        let chain_id = input.u32("chain id")?;
        let batch_number = u64::from_be_bytes(input.array("batch number")?);
        let position = input.u32("position")?;
        let withdrawal = input.withdrawal()?;
        let before = input.element("before")?;
        let count = input.u32("number of later withdrawals")? as usize;
        input.expect("later withdrawals", count.saturating_mul(Withdrawal::BYTES))?;
        let later = (0..count).map(|_| input.withdrawal()).collect::<Result<_, _>>()?;
        input.end()?;
        let format = WithdrawalFormat;
        let proof = Self { format, chain_id, batch_number, position, withdrawal, before, later };
        proof.check()?;
        Ok(proof)
    }
}

fn start(magic: [u8; 4]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(magic);
    out.extend(VERSION.to_be_bytes());
    out
}

fn put_state(out: &mut Vec<u8>, state: &StateFields) {
    out.extend(state.chain_id.to_be_bytes());
    out.extend(state.batch_number.to_be_bytes());
    out.extend([state.account_depth, state.pool_depth]);
    out.extend(state.next_account.to_be_bytes());
    out.extend(state.next_pool.to_be_bytes());
    out.extend(state.deposit_count.to_be_bytes());
    [state.account_root, state.pool_root, state.deposit_head].iter().for_each(|root| out.extend(root.to_be_bytes()));
}

fn put_path(out: &mut Vec<u8>, path: &[Siblings]) {
    path.iter().flatten().for_each(|element| out.extend(element.to_be_bytes()));
}

fn put_opening(out: &mut Vec<u8>, opening: &PoolOpening) {
    let PoolLeaf { token0, token1, fee_bp, reserve0, reserve1, supply } = opening.pool;
    out.extend(opening.index.to_be_bytes());
    out.extend(token0.to_be_bytes());
    out.extend(token1.to_be_bytes());
    out.extend(fee_bp.to_be_bytes());
    [reserve0, reserve1, supply].iter().for_each(|amount| put_amount(out, *amount));
    put_path(out, &opening.path);
}

fn put_withdrawal(out: &mut Vec<u8>, withdrawal: &Withdrawal) {
    out.extend(withdrawal.account.to_be_bytes());
    out.extend(withdrawal.token.to_be_bytes());
    put_amount(out, withdrawal.amount);
    out.push(withdrawal.refund.into());
    out.extend(withdrawal.destination);
}

/// The low 96 bits, which is all of an amount in range.
fn put_amount(out: &mut Vec<u8>, amount: u128) {
    out.extend(&amount.to_be_bytes()[16 - AMOUNT..]);
}

/// What is left to read.
struct Input<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Input<'a> {
    fn start(bytes: &'a [u8], expected: [u8; 4]) -> Result<Self, ExitProofError> {
        let mut input = Self { rest: bytes, length: bytes.len() };
        let actual = input.array("magic")?;
        if actual != expected {
            return Err(ExitProofError::Magic { expected, actual });
        }
        let actual = input.u32("version")?;
        if actual != VERSION {
            return Err(ExitProofError::Version { expected: VERSION, actual });
        }
        Ok(input)
    }

    /// Refuses if fewer bytes are left than what comes has.
    fn expect(&self, what: &'static str, count: usize) -> Result<(), ExitProofError> {
        if self.rest.len() >= count {
            return Ok(());
        }
        let needed = (self.length - self.rest.len()).saturating_add(count);
        Err(ExitProofError::Truncated { what, needed, actual: self.length })
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ExitProofError> {
        self.expect(what, N)?;
        let (taken, rest) = self.rest.split_at(N);
        self.rest = rest;
        let mut out = [0; N];
        out.copy_from_slice(taken);
        Ok(out)
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, ExitProofError> {
        Ok(u32::from_be_bytes(self.array(what)?))
    }

    fn amount(&mut self, what: &'static str) -> Result<u128, ExitProofError> {
        let low: [u8; AMOUNT] = self.array(what)?;
        Ok(low.into_iter().fold(0, |sum, byte| (sum << 8) | u128::from(byte)))
    }

    fn element(&mut self, field: &'static str) -> Result<Element, ExitProofError> {
        let bytes = self.array(field)?;
        Element::from_be_bytes(bytes).map_err(|e| ExitProofError::NotCanonical { field, bytes: e.bytes })
    }

    fn each<T: Copy + Default, const N: usize>(
        &mut self,
        what: &'static str,
        read: impl Fn(&mut Self, &'static str) -> Result<T, ExitProofError>,
    ) -> Result<[T; N], ExitProofError> {
        let mut out = [T::default(); N];
        for place in &mut out {
            *place = read(self, what)?;
        }
        Ok(out)
    }

    fn state(&mut self) -> Result<StateFields, ExitProofError> {
        let state = StateFields {
            chain_id: self.u32("chain id")?,
            batch_number: u64::from_be_bytes(self.array("batch number")?),
            account_depth: self.array::<1>("account depth")?[0],
            pool_depth: self.array::<1>("pool depth")?[0],
            next_account: self.u32("next account")?,
            next_pool: self.u32("next pool")?,
            deposit_count: u64::from_be_bytes(self.array("deposit count")?),
            account_root: self.element("account_root")?,
            pool_root: self.element("pool_root")?,
            deposit_head: self.element("deposit_head")?,
        };
        // The depths say how long paths are.
        state.check()?;
        Ok(state)
    }

    fn path(&mut self, depth: u8) -> Result<Vec<Siblings>, ExitProofError> {
        self.expect("path", usize::from(depth) * LEVEL)?;
        (0..depth)
            .map(|_| {
                let mut level = [Element::ZERO; ARITY - 1];
                for sibling in &mut level {
                    *sibling = self.element("path")?;
                }
                Ok(level)
            })
            .collect()
    }

    fn opening(&mut self, state: &StateFields) -> Result<PoolOpening, ExitProofError> {
        Ok(PoolOpening {
            index: self.u32("pool index")?,
            pool: PoolLeaf {
                token0: self.u32("token0")?,
                token1: self.u32("token1")?,
                fee_bp: u16::from_be_bytes(self.array("pool fee")?),
                reserve0: self.amount("reserve0")?,
                reserve1: self.amount("reserve1")?,
                supply: self.amount("supply")?,
            },
            path: self.path(state.pool_depth)?,
        })
    }

    fn withdrawal(&mut self) -> Result<Withdrawal, ExitProofError> {
        Ok(Withdrawal {
            account: self.u32("account")?,
            token: self.u32("token")?,
            amount: self.amount("amount")?,
            refund: match self.array("refund flag")? {
                [0] => false,
                [1] => true,
                [actual] => return Err(ExitProofError::Flag { actual }),
            },
            destination: self.array("destination")?,
        })
    }

    fn end(&self) -> Result<(), ExitProofError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(ExitProofError::TrailingBytes { expected: self.length - self.rest.len(), actual: self.length })
        }
    }
}
