//! Batch files: JSON Lines, a header and one transaction a line (PROTOCOL.md, section 10).
//!
//! [`Reader`] streams: it holds one line at a time, and no line longer than [`MAX_LINE`]. Whatever a writer would not have
//! written on purpose is refused: unknown, missing and repeated fields, numbers for strings, decimals in another form.

mod check;
mod error;
mod object;
mod schema;
mod write;

use std::convert::Infallible;
use std::io::{BufRead, Read};

use ark_bn254::Fr;
use tapstone_verifier::field::Element;

use crate::amount::{Amount, TokenId};
use crate::data::{INDEX_LIMIT, POOL_LIMIT};
use crate::deposit::{Destination, Outpoint};
use crate::ledger::NUMBER_LIMIT;
use crate::pool::{Direction, FEE_UNIT};
use crate::signature::Signature;
use crate::signature::curve::{Point, unpack};
use crate::transaction::{Signed, Transaction};
use object::Object;

pub use check::{Check, Fault};
pub use error::{FileError, Problem, byte_order_mark};
pub use schema::schema;
pub use write::to_jsonl;

/// The format's name and version.
pub const FORMAT: &str = "tapstone-batch/1";
/// The longest line, without its newline.
pub const MAX_LINE: usize = 64 * 1024;

/// The first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The chain.
    pub chain_id: u32,
    /// Number of the file's first batch.
    pub batch: u64,
    /// The state root before it.
    pub pre_state_root: Fr,
    /// The account that takes the fees.
    pub operator: u32,
}

/// A batch file as a whole. Transaction i stands on line i + 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchFile {
    /// The header.
    pub header: Header,
    /// The transactions, in order.
    pub transactions: Vec<Transaction>,
}

impl BatchFile {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`FileError`] for the first line that is refused.
    pub fn read(input: impl BufRead) -> Result<Self, FileError> {
        let reader = Reader::new(input)?;
        let header = *reader.header();
        Ok(Self { header, transactions: reader.collect::<Result<_, _>>()? })
    }

    /// The file's text.
    pub fn to_jsonl(&self) -> String {
        to_jsonl(&self.header, &self.transactions)
    }
}

/// Reads a batch file line by line; an iterator over its transactions, which ends at the first error.
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    header: Header,
    done: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`FileError`] if there is none, or it is refused.
    pub fn new(input: R) -> Result<Self, FileError> {
        let mut lines = Lines { input, number: 0, buffer: Vec::new() };
        let Some(text) = lines.next()? else {
            return Err(FileError { line: 1, column: None, field: None, problem: Problem::Empty });
        };
        let header = header(Object::parse(1, text)?)?;
        Ok(Self { lines, header, done: false })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The number of the line that was read last, from 1.
    pub const fn line(&self) -> usize {
        self.lines.number
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Transaction, FileError>;
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let number = self.lines.number + 1;
        let item = match self.lines.next() {
            Ok(None) => None,
            Ok(Some(text)) => Some(Object::parse(number, text).and_then(transaction)),
            Err(error) => Some(Err(error)),
        };
        self.done = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Lines of bounded length.
#[derive(Debug)]
struct Lines<R> {
    input: R,
    /// Lines read so far.
    number: usize,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<&str>, FileError> {
        let line = self.number + 1;
        let error = |problem| FileError { line, column: None, field: None, problem };
        self.buffer.clear();
        // One byte for the newline; a line that has none by then is too long.
        let bound = MAX_LINE as u64 + 1;
        let count = (&mut self.input).take(bound).read_until(b'\n', &mut self.buffer);
        if count.map_err(|e| error(Problem::Io(e)))? == 0 {
            return Ok(None);
        }
        self.number = line;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
        } else if self.buffer.len() > MAX_LINE {
            return Err(error(Problem::TooLong { limit: MAX_LINE }));
        }
        if let Some(encoding) = byte_order_mark(&self.buffer).filter(|_| line == 1) {
            return Err(FileError { line, column: Some(1), field: None, problem: Problem::ByteOrderMark { encoding } });
        }
        let text = std::str::from_utf8(&self.buffer).map_err(|_| error(Problem::NotUtf8))?;
        if text.trim().is_empty() {
            return Err(error(Problem::Blank));
        }
        Ok(Some(text))
    }
}

fn header(mut o: Object) -> Result<Header, FileError> {
    o.text("format", &format!("{FORMAT:?}"), |text| (text == FORMAT).then_some(()))?;
    let header = Header {
        chain_id: o.number("chain_id", 0, 1 << 32)?,
        batch: o.number("batch", 1, NUMBER_LIMIT)?,
        pre_state_root: element(&mut o, "pre_state_root")?,
        operator: index(&mut o, "operator")?,
    };
    o.finish()?;
    Ok(header)
}

fn element(o: &mut Object, field: &str) -> Result<Fr, FileError> {
    o.text(field, "0x and 64 lower-case hexadecimal digits below the field's order", |text| {
        text.parse::<Element>().ok().map(Fr::from)
    })
}

fn index(o: &mut Object, field: &str) -> Result<u32, FileError> {
    o.number(field, 0, INDEX_LIMIT.into())
}

fn amount(o: &mut Object, field: &str) -> Result<Amount, FileError> {
    o.decimal(field, Amount::MAX.get())
}

fn token(o: &mut Object, field: &str) -> Result<TokenId, FileError> {
    let id: u32 = o.number(field, 0, TokenId::LIMIT.into())?;
    TokenId::new(id).map_err(|_| o.refuse(field, &id.to_string(), "a token id"))
}

fn key(o: &mut Object, field: &str) -> Result<Point, FileError> {
    o.hex(field, unpack)
}

fn destination(o: &mut Object, field: &str) -> Result<Destination, FileError> {
    o.hex(field, |bytes| Ok::<_, Infallible>(Destination(*bytes)))
}

fn outpoint(o: &mut Object) -> Result<Outpoint, FileError> {
    o.text("outpoint", "TXID:VOUT, 64 lower-case hexadecimal digits and a number below 2^32", |t| t.parse().ok())
}

fn signed(o: &mut Object) -> Result<Signed, FileError> {
    Ok(Signed {
        fee_token: token(o, "fee_token")?,
        fee: amount(o, "fee")?,
        nonce: {
            let nonce: u128 = o.decimal("nonce", u64::MAX.into())?;
            // Bounded by the line above.
            nonce as u64
        },
        expiry: o.number("expiry", 0, NUMBER_LIMIT)?,
        message: if o.has("message") { Some(element(o, "message")?) } else { None },
        signature: o.hex("signature", Signature::from_bytes)?,
    })
}

/// What a line may hold.
const KINDS: &str = "transfer, transfer_new, deposit, deposit_new, swap, create_pool, add_liquidity, remove_liquidity, \
                     change_key or withdraw";

/// One transaction. Fields are taken in the order of the protocol's text.
fn transaction(mut object: Object) -> Result<Transaction, FileError> {
    let o = &mut object;
    let kind = o.text("kind", "a string", |text| Some(text.to_owned()))?;
    let tx = match kind.as_str() {
        "transfer" => Transaction::Transfer {
            from: index(o, "from")?,
            to: index(o, "to")?,
            to_key: key(o, "to_key")?,
            token: token(o, "token")?,
            amount: amount(o, "amount")?,
            signed: signed(o)?,
        },
        "transfer_new" => Transaction::TransferNew {
            from: index(o, "from")?,
            to_key: key(o, "to_key")?,
            token: token(o, "token")?,
            amount: amount(o, "amount")?,
            signed: signed(o)?,
        },
        "deposit" => Transaction::Deposit {
            outpoint: outpoint(o)?,
            account: index(o, "account")?,
            token: token(o, "token")?,
            amount: amount(o, "amount")?,
            refund: destination(o, "refund")?,
        },
        "deposit_new" => Transaction::DepositNew {
            outpoint: outpoint(o)?,
            key: key(o, "key")?,
            token: token(o, "token")?,
            amount: amount(o, "amount")?,
            refund: destination(o, "refund")?,
        },
        "swap" => Transaction::Swap {
            account: index(o, "account")?,
            pool: o.number("pool", 0, POOL_LIMIT.into())?,
            direction: {
                let code: u8 = o.number("direction", 0, 2)?;
                Direction::from_code(code).ok_or_else(|| o.refuse("direction", &code.to_string(), "0 or 1"))?
            },
            amount_in: amount(o, "amount_in")?,
            min_out: amount(o, "min_out")?,
            signed: signed(o)?,
        },
        "create_pool" => Transaction::CreatePool {
            account: index(o, "account")?,
            token0: token(o, "token0")?,
            token1: token(o, "token1")?,
            fee_bp: o.number("fee_bp", 0, FEE_UNIT.into())?,
            amount0: amount(o, "amount0")?,
            amount1: amount(o, "amount1")?,
            signed: signed(o)?,
        },
        "add_liquidity" => Transaction::AddLiquidity {
            account: index(o, "account")?,
            pool: o.number("pool", 0, POOL_LIMIT.into())?,
            max0: amount(o, "max0")?,
            max1: amount(o, "max1")?,
            min_shares: amount(o, "min_shares")?,
            signed: signed(o)?,
        },
        "remove_liquidity" => Transaction::RemoveLiquidity {
            account: index(o, "account")?,
            pool: o.number("pool", 0, POOL_LIMIT.into())?,
            shares: amount(o, "shares")?,
            min0: amount(o, "min0")?,
            min1: amount(o, "min1")?,
            signed: signed(o)?,
        },
        "change_key" => Transaction::ChangeKey { account: index(o, "account")?, key: key(o, "key")?, signed: signed(o)? },
        "withdraw" => Transaction::Withdraw {
            account: index(o, "account")?,
            token: token(o, "token")?,
            amount: amount(o, "amount")?,
            destination: destination(o, "destination")?,
            signed: signed(o)?,
        },
        unknown => return Err(object.refuse("kind", unknown, KINDS)),
    };
    object.finish()?;
    Ok(tx)
}

#[cfg(test)]
mod tests;
