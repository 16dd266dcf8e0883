//! How accounts, pools, nodes and heads are written in the store: fixed lengths, numbers little-endian, field elements as the protocol writes them,
//! big-endian.
//!
//! | record | bytes |
//! | --- | --- |
//! | account | key 32, nonce 8, seven token ids of 4, eight balances of 12 |
//! | pool | two token ids of 4, fee 2, two reserves and the supply of 12 |
//! | family | eight elements of 32 |
//! | head | chain id 4, depths 1 and 1, account root, pool root, deposit head of 32, next account 4, next pool 4, deposits 8, batch 8 |

use ark_bn254::Fr;
use sha2::{Digest, Sha256};
use tapstone_circuits::account::{Account, TOKEN_SLOTS};
use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::ledger::{Before, Head};
use tapstone_circuits::pool::Pool;
use tapstone_circuits::shape::check_depths;
use tapstone_circuits::signature::PublicKey;
use tapstone_circuits::tree::{ARITY, Family};
use tapstone_circuits::witness::StateSummary;
use tapstone_verifier::Element;

/// Bytes of an amount.
const AMOUNT: usize = 12;
/// Bytes of an account.
pub const ACCOUNT: usize = 32 + 8 + 4 * TOKEN_SLOTS + AMOUNT * (TOKEN_SLOTS + 1);
/// Bytes of a pool.
pub const POOL: usize = 4 + 4 + 2 + 3 * AMOUNT;
/// Bytes of a family.
pub const FAMILY: usize = 32 * ARITY;
/// Bytes of a head.
pub const HEAD: usize = 4 + 2 + 3 * 32 + 4 + 4 + 8 + 8;
/// Bytes of the seal of a head.
const SEAL: usize = 8;

/// An account; `None` for one without a key, which no state holds.
pub fn account(account: &Account) -> Option<[u8; ACCOUNT]> {
    let mut to = Writer { bytes: [0; ACCOUNT], at: 0 };
    to.put(&account.key?.to_bytes());
    to.put(&account.nonce.to_le_bytes());
    account.tokens.iter().for_each(|token| to.put(&token.to_le_bytes()));
    account.balances.iter().for_each(|balance| to.put(&balance.to_le_bytes()[..AMOUNT]));
    Some(to.bytes)
}

/// A pool.
pub fn pool(pool: &Pool) -> [u8; POOL] {
    let mut to = Writer { bytes: [0; POOL], at: 0 };
    to.put(&pool.token0.get().to_le_bytes());
    to.put(&pool.token1.get().to_le_bytes());
    to.put(&pool.fee_bp.to_le_bytes());
    for amount in [pool.reserve0, pool.reserve1, pool.supply] {
        to.put(&amount.get().to_le_bytes()[..AMOUNT]);
    }
    to.bytes
}

/// A family.
pub fn family(family: &Family) -> [u8; FAMILY] {
    let mut to = Writer { bytes: [0; FAMILY], at: 0 };
    family.iter().for_each(|node| to.element(*node));
    to.bytes
}

/// A head.
pub fn head(head: &Head) -> [u8; HEAD] {
    let StateSummary { account_root, pool_root, deposit_head, next_account, next_pool, deposit_count, batch_number } =
        head.summary;
    let mut to = Writer { bytes: [0; HEAD], at: 0 };
    to.put(&head.chain_id.to_le_bytes());
    to.put(&[head.account_depth, head.pool_depth]);
    [account_root, pool_root, deposit_head].into_iter().for_each(|root| to.element(root));
    to.put(&next_account.to_le_bytes());
    to.put(&next_pool.to_le_bytes());
    to.put(&deposit_count.to_le_bytes());
    to.put(&batch_number.to_le_bytes());
    to.bytes
}

/// A head with the first bytes of its SHA-256: nothing else in a store shows what chain, counters and deposit
/// head should be.
pub fn sealed_head(head: &Head) -> [u8; HEAD + SEAL] {
    let mut sealed = [0; HEAD + SEAL];
    let (bytes, seal) = sealed.split_at_mut(HEAD);
    bytes.copy_from_slice(&self::head(head));
    seal.copy_from_slice(&Sha256::digest(&*bytes)[..SEAL]);
    sealed
}

/// What a batch replaced: head, number of accounts, each with its index, then pools in the same way.
pub fn before(before: &Before) -> Option<Vec<u8>> {
    let mut bytes = head(&before.head).to_vec();
    bytes.extend((before.accounts.len() as u32).to_le_bytes());
    for (index, old) in &before.accounts {
        bytes.extend(index.to_le_bytes());
        bytes.extend(account(old)?);
    }
    bytes.extend((before.pools.len() as u32).to_le_bytes());
    for (index, old) in &before.pools {
        bytes.extend(index.to_le_bytes());
        bytes.extend(pool(old));
    }
    Some(bytes)
}

/// Reads an account that holds the invariants of its kind.
pub fn read_account(bytes: &[u8]) -> Option<Account> {
    let mut from = Reader(bytes);
    let key = PublicKey::from_bytes(&from.take()?).ok()?;
    let mut account = Account::new(key);
    account.nonce = u64::from_le_bytes(from.take()?);
    for token in &mut account.tokens {
        *token = u32::from_le_bytes(from.take()?);
    }
    for balance in &mut account.balances {
        *balance = from.amount()?.get();
    }
    account.check().ok()?;
    from.end(account)
}

/// Reads a pool that holds the invariants of its kind.
pub fn read_pool(bytes: &[u8]) -> Option<Pool> {
    let mut from = Reader(bytes);
    let pool = Pool {
        token0: TokenId::new(u32::from_le_bytes(from.take()?)).ok()?,
        token1: TokenId::new(u32::from_le_bytes(from.take()?)).ok()?,
        fee_bp: u16::from_le_bytes(from.take()?),
        reserve0: from.amount()?,
        reserve1: from.amount()?,
        supply: from.amount()?,
    };
    pool.check().ok()?;
    from.end(pool)
}

/// Reads a family.
pub fn read_family(bytes: &[u8]) -> Option<Family> {
    let mut from = Reader(bytes);
    let mut family = Family::default();
    for node in &mut family {
        *node = from.element()?;
    }
    from.end(family)
}

/// Reads a head whose trees can exist.
pub fn read_head(bytes: &[u8]) -> Option<Head> {
    let mut from = Reader(bytes);
    let head = from.head()?;
    from.end(head)
}

/// Reads what [`sealed_head`] writes. Earlier versions wrote no seal.
pub fn read_sealed_head(bytes: &[u8]) -> Option<Head> {
    let (head, seal) = bytes.split_at_checked(HEAD)?;
    if !seal.is_empty() && seal != &Sha256::digest(head)[..SEAL] {
        return None;
    }
    read_head(head)
}

/// Reads what a batch replaced.
pub fn read_before(bytes: &[u8]) -> Option<Before> {
    let mut from = Reader(bytes);
    let head = from.head()?;
    let mut before = Before { head, accounts: Default::default(), pools: Default::default() };
    for _ in 0..u32::from_le_bytes(from.take()?) {
        let index = u32::from_le_bytes(from.take()?);
        before.accounts.insert(index, read_account(from.slice(ACCOUNT)?)?);
    }
    for _ in 0..u32::from_le_bytes(from.take()?) {
        let index = u32::from_le_bytes(from.take()?);
        before.pools.insert(index, read_pool(from.slice(POOL)?)?);
    }
    from.end(before)
}

struct Writer<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Writer<N> {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn element(&mut self, value: Fr) {
        self.put(&Element::from(value).to_be_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn slice(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.slice(N)?.try_into().ok()
    }

    fn amount(&mut self) -> Option<Amount> {
        let mut bytes = [0; 16];
        bytes[..AMOUNT].copy_from_slice(self.slice(AMOUNT)?);
        Amount::new(u128::from_le_bytes(bytes)).ok()
    }

    fn element(&mut self) -> Option<Fr> {
        Element::from_be_bytes(self.take()?).ok().map(Fr::from)
    }

    fn head(&mut self) -> Option<Head> {
        let chain_id = u32::from_le_bytes(self.take()?);
        let [account_depth, pool_depth] = self.take()?;
        check_depths(account_depth, pool_depth).ok()?;
        let (account_root, pool_root, deposit_head) = (self.element()?, self.element()?, self.element()?);
        let summary = StateSummary {
            account_root,
            pool_root,
            deposit_head,
            next_account: u32::from_le_bytes(self.take()?),
            next_pool: u32::from_le_bytes(self.take()?),
            deposit_count: u64::from_le_bytes(self.take()?),
            batch_number: u64::from_le_bytes(self.take()?),
        };
        Some(Head { chain_id, account_depth, pool_depth, summary })
    }

    /// The value, if nothing is left over.
    fn end<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapstone_circuits::shape::Shape;
    use tapstone_circuits::testing::World;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let world = World::populated(Shape::registered("tiny").unwrap(), 3);
        let before = Before {
            head: world.ledger.head(),
            accounts: world.ledger.accounts().clone(),
            pools: world.ledger.pools().clone(),
        };
        let bytes = super::before(&before).unwrap();
        assert_eq!(read_before(&bytes), Some(before));
        for cut in 0..bytes.len() {
            assert_eq!(read_before(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(read_before(&[&bytes[..], &[0]].concat()), None);
        let family: Family = std::array::from_fn(|i| Fr::from(i as u64));
        let mut bytes = super::family(&family);
        assert_eq!(read_family(&bytes), Some(family));
        bytes[..32].fill(0xff);
        assert_eq!(read_family(&bytes), None);
        // An account that holds less than the invariants ask for.
        let mut account = world.ledger.account(0).unwrap().clone();
        account.tokens[0] = 1;
        assert_eq!(read_account(&super::account(&account).unwrap()), None);
        assert_eq!(super::account(&Account::EMPTY), None);
    }
}
