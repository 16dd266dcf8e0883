//! The bytes of a batch's data: one encoding for each batch, and a decoder that refuses all others.
//!
//! The decoder reads leniently what could be read in two ways (long varints, flags) and then compares with what the encoder
//! writes, so the two cannot disagree about what is canonical.

use ark_bn254::Fr;
use tapstone_verifier::field::Element;
use thiserror::Error;

use super::{Fee, Published};
use crate::amount::{Amount, TokenId};
use crate::deposit::Destination;
use crate::ledger::Refusal;
use crate::pool::Direction;
use crate::shape::MAX_TRANSACTIONS;
use crate::signature::curve::{Point, PointError, pack, unpack};

const VERSION: u8 = 1;
const FEE: u8 = 16;
const FEE_NATIVE: u8 = 32;
const NATIVE: u8 = 64;
const KIND: u8 = 15;

/// A batch's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchData {
    /// The chain.
    pub chain_id: u32,
    /// The batch's number.
    pub batch_number: u64,
    /// The account that takes the fees.
    pub operator: u32,
    /// The transactions, in order.
    pub transactions: Vec<Published>,
    /// The deposit queue's head after the batch. It is written only if the batch takes items from the queue; otherwise the
    /// head stays as it was, and this is `None`.
    pub deposit_head: Option<Fr>,
}

/// Why bytes are not a batch's data.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The bytes end too early.
    #[error("the data ends at byte {at}, within a {what}")]
    Truncated {
        /// Where.
        at: usize,
        /// What was being read.
        what: &'static str,
    },
    /// Another version.
    #[error("data of version {had}, needed {VERSION}")]
    Version {
        /// The version.
        had: u8,
    },
    /// A number above its range.
    #[error("{what} at byte {at} is not below {limit}")]
    Range {
        /// Where it starts.
        at: usize,
        /// Which number.
        what: &'static str,
        /// The limit.
        limit: u128,
    },
    /// The number of no batch.
    #[error("the batch number at byte {at} is 0, needed at least 1")]
    BatchNumber {
        /// Where it stands.
        at: usize,
    },
    /// A kind that does not exist.
    #[error("unknown kind {had} at byte {at}")]
    Kind {
        /// Where.
        at: usize,
        /// The kind.
        had: u8,
    },
    /// A key that is not a point.
    #[error("the key at byte {at} is not a point: {source}")]
    Key {
        /// Where it starts.
        at: usize,
        /// What is wrong with it.
        source: PointError,
    },
    /// A deposit head that is not an element.
    #[error("the deposit head at byte {at} is not below the field's order")]
    DepositHead {
        /// Where it starts.
        at: usize,
    },
    /// A transaction that no batch can hold.
    #[error("transaction {index} breaks a rule: {source}")]
    Rule {
        /// Its index.
        index: usize,
        /// The rule.
        source: Refusal,
    },
    /// The encoder would write something else.
    #[error("the data is not in its canonical form from byte {at} on")]
    NotCanonical {
        /// The first byte that differs.
        at: usize,
    },
}

impl BatchData {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        varint(&mut out, self.chain_id.into());
        varint(&mut out, self.batch_number.into());
        varint(&mut out, self.operator.into());
        varint(&mut out, self.transactions.len() as u128);
        for tx in &self.transactions {
            put_transaction(&mut out, tx);
        }
        if let Some(head) = self.deposit_head {
            out.extend(Element::from(head).to_be_bytes());
        }
        out
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// [`DataError`] for everything that [`BatchData::encode`] would not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, DataError> {
        let mut input = Input { bytes, at: 0 };
        let version = input.byte("version")?;
        if version != VERSION {
            return Err(DataError::Version { had: version });
        }
        let chain_id = input.below("chain id", 1 << 32)? as u32;
        let number_at = input.at;
        let batch_number = input.below("batch number", 1 << 48)? as u64;
        if batch_number == 0 {
            return Err(DataError::BatchNumber { at: number_at });
        }
        let operator = input.index("operator")?;
        let count = input.below("number of transactions", MAX_TRANSACTIONS as u128 + 1)? as usize;
        // The count is not trusted with an allocation: a transaction takes bytes, so the loop ends with the input.
        let mut transactions = Vec::new();
        for index in 0..count {
            let tx = input.transaction()?;
            tx.check().map_err(|source| DataError::Rule { index, source })?;
            transactions.push(tx);
        }
        let deposit_head = transactions.iter().any(Published::is_deposit).then(|| input.deposit_head()).transpose()?;
        let data = Self { chain_id, batch_number, operator, transactions, deposit_head };
        let canonical = data.encode();
        if canonical != bytes {
            let same = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            return Err(DataError::NotCanonical { at: same });
        }
        Ok(data)
    }
}

fn varint(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The smaller of `2a` and `2 (32 m + z) + 1` with `a = m * 10^z`.
fn put_amount(out: &mut Vec<u8>, amount: Amount) {
    let a = amount.get();
    let (mut m, mut z) = (a, 0);
    while m != 0 && m % 10 == 0 {
        m /= 10;
        z += 1;
    }
    varint(out, (2 * a).min(2 * (32 * m + z) + 1));
}

impl Published {
    /// Bytes that the transaction takes of the published data.
    pub fn encoded_len(&self) -> usize {
        let mut bytes = Vec::new();
        put_transaction(&mut bytes, self);
        bytes.len()
    }
}

fn put_transaction(out: &mut Vec<u8>, tx: &Published) {
    let head = out.len();
    out.push(tx.kind_code());
    let mut native = false;
    let mut token = |out: &mut Vec<u8>, token: TokenId| {
        native = token == TokenId::NATIVE;
        if !native {
            varint(out, token.get().into());
        }
    };
    match *tx {
        Published::Transfer { from, to, token: t, amount, .. } => {
            varint(out, from.into());
            varint(out, to.into());
            token(out, t);
            put_amount(out, amount);
        }
        Published::TransferNew { from, key, token: t, amount, .. } => {
            varint(out, from.into());
            out.extend(pack(&key));
            token(out, t);
            put_amount(out, amount);
        }
        Published::Deposit { account, token: t, amount } => {
            varint(out, account.into());
            token(out, t);
            put_amount(out, amount);
        }
        Published::DepositNew { key, token: t, amount } => {
            out.extend(pack(&key));
            token(out, t);
            put_amount(out, amount);
        }
        Published::Swap { account, pool, direction, amount_in, .. } => {
            varint(out, account.into());
            varint(out, 2 * u128::from(pool) + u128::from(direction.code()));
            put_amount(out, amount_in);
        }
        Published::CreatePool { account, token0, token1, fee_bp, amount0, amount1, .. } => {
            for number in [account, token0.get(), token1.get(), fee_bp.into()] {
                varint(out, number.into());
            }
            put_amount(out, amount0);
            put_amount(out, amount1);
        }
        Published::AddLiquidity { account, pool, max0, max1, .. } => {
            varint(out, account.into());
            varint(out, pool.into());
            put_amount(out, max0);
            put_amount(out, max1);
        }
        Published::RemoveLiquidity { account, pool, shares, .. } => {
            varint(out, account.into());
            varint(out, pool.into());
            put_amount(out, shares);
        }
        Published::ChangeKey { account, key, .. } => {
            varint(out, account.into());
            out.extend(pack(&key));
        }
        Published::Withdraw { account, token: t, amount, destination, .. }
        | Published::Refund { account, token: t, amount, destination } => {
            varint(out, account.into());
            token(out, t);
            put_amount(out, amount);
            out.extend(destination.0);
        }
    }
    if native {
        out[head] |= NATIVE;
    }
    let fee = tx.fee();
    if !fee.amount.is_zero() {
        out[head] |= FEE;
        if fee.token == TokenId::NATIVE {
            out[head] |= FEE_NATIVE;
        } else {
            varint(out, fee.token.get().into());
        }
        put_amount(out, fee.amount);
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn byte(&mut self, what: &'static str) -> Result<u8, DataError> {
        let byte = *self.bytes.get(self.at).ok_or(DataError::Truncated { at: self.at, what })?;
        self.at += 1;
        Ok(byte)
    }

    fn below(&mut self, what: &'static str, limit: u128) -> Result<u128, DataError> {
        let start = self.at;
        let out_of_range = DataError::Range { at: start, what, limit };
        let (mut value, mut shift) = (0u128, 0);
        loop {
            let byte = self.byte(what)?;
            // 18 bytes hold 126 bits, more than any number here.
            if shift > 119 {
                return Err(out_of_range);
            }
            value |= u128::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return if value < limit { Ok(value) } else { Err(out_of_range) };
            }
        }
    }

    fn index(&mut self, what: &'static str) -> Result<u32, DataError> {
        Ok(self.below(what, super::INDEX_LIMIT.into())? as u32)
    }

    fn pool(&mut self) -> Result<u32, DataError> {
        Ok(self.below("pool", super::POOL_LIMIT.into())? as u32)
    }

    fn token_id(&mut self) -> Result<TokenId, DataError> {
        let (at, limit) = (self.at, TokenId::LIMIT.into());
        let id = self.below("token", limit)? as u32;
        TokenId::new(id).map_err(|_| DataError::Range { at, what: "token", limit })
    }

    fn amount(&mut self) -> Result<Amount, DataError> {
        let (at, what, limit) = (self.at, "amount", 1 << Amount::BITS);
        let out_of_range = DataError::Range { at, what, limit };
        // 2a is below 2^97, and a mantissa form is only written where it is smaller.
        let v = self.below(what, 1 << 97)?;
        let value = if v & 1 == 0 {
            Some(v >> 1)
        } else {
            let (m, z) = ((v >> 1) / 32, ((v >> 1) % 32) as u32);
            10u128.pow(z).checked_mul(m)
        };
        value.and_then(|value| Amount::new(value).ok()).ok_or(out_of_range)
    }

    fn bytes32(&mut self, what: &'static str) -> Result<[u8; 32], DataError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let bytes = rest.first_chunk().ok_or(DataError::Truncated { at: self.bytes.len(), what })?;
        self.at += 32;
        Ok(*bytes)
    }

    fn key(&mut self) -> Result<Point, DataError> {
        let at = self.at;
        unpack(&self.bytes32("key")?).map_err(|source| DataError::Key { at, source })
    }

    fn deposit_head(&mut self) -> Result<Fr, DataError> {
        let at = self.at;
        let bytes = self.bytes32("deposit head")?;
        Element::from_be_bytes(bytes).map(Fr::from).map_err(|_| DataError::DepositHead { at })
    }

    fn transaction(&mut self) -> Result<Published, DataError> {
        let at = self.at;
        let head = self.byte("transaction")?;
        let token = |input: &mut Self| if head & NATIVE == 0 { input.token_id() } else { Ok(TokenId::NATIVE) };
        let fee = |input: &mut Self| {
            if head & FEE == 0 {
                return Ok(Fee::NONE);
            }
            let token = if head & FEE_NATIVE == 0 { input.token_id()? } else { TokenId::NATIVE };
            Ok(Fee { token, amount: input.amount()? })
        };
        // Fields are read in the order in which they are written here.
        Ok(match head & KIND {
            1 => Published::Transfer {
                from: self.index("from")?,
                to: self.index("to")?,
                token: token(self)?,
                amount: self.amount()?,
                fee: fee(self)?,
            },
            2 => Published::TransferNew {
                from: self.index("from")?,
                key: self.key()?,
                token: token(self)?,
                amount: self.amount()?,
                fee: fee(self)?,
            },
            3 => Published::Deposit { account: self.index("account")?, token: token(self)?, amount: self.amount()? },
            4 => Published::DepositNew { key: self.key()?, token: token(self)?, amount: self.amount()? },
            5 => {
                let account = self.index("account")?;
                let code = self.below("pool and direction", 2 * u128::from(super::POOL_LIMIT))?;
                let direction = if code & 1 == 0 { Direction::ZeroForOne } else { Direction::OneForZero };
                let pool = (code >> 1) as u32;
                Published::Swap { account, pool, direction, amount_in: self.amount()?, fee: fee(self)? }
            }
            6 => Published::CreatePool {
                account: self.index("account")?,
                token0: self.token_id()?,
                token1: self.token_id()?,
                fee_bp: self.below("fee", 10_000)? as u16,
                amount0: self.amount()?,
                amount1: self.amount()?,
                fee: fee(self)?,
            },
            7 => Published::AddLiquidity {
                account: self.index("account")?,
                pool: self.pool()?,
                max0: self.amount()?,
                max1: self.amount()?,
                fee: fee(self)?,
            },
            8 => Published::RemoveLiquidity {
                account: self.index("account")?,
                pool: self.pool()?,
                shares: self.amount()?,
                fee: fee(self)?,
            },
            9 => Published::ChangeKey { account: self.index("account")?, key: self.key()?, fee: fee(self)? },
            10 => Published::Withdraw {
                account: self.index("account")?,
                token: token(self)?,
                amount: self.amount()?,
                destination: Destination(self.bytes32("destination")?),
                fee: fee(self)?,
            },
            11 => Published::Refund {
                account: self.index("account")?,
                token: token(self)?,
                amount: self.amount()?,
                destination: Destination(self.bytes32("destination")?),
            },
            had => return Err(DataError::Kind { at, had }),
        })
    }
}
