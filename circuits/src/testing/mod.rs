//! Worlds for tests: deterministic keys, signed transactions, and valid batches from a seed.
//!
//! Nothing here is secret or random: keys come from small numbers.

use std::collections::BTreeMap;

use crate::amount::{Amount, TokenId};
use crate::deposit::{Destination, Outpoint};
use crate::ledger::{BatchError, Executed, Ledger};
use crate::pool::Direction;
use crate::shape::{Shape, SlotKind};
use crate::signature::curve::{Point, pack};
use crate::signature::{PublicKey, SecretKey};
use crate::transaction::{Signed, Transaction, bundle};

/// The chain of the worlds: 3, on regtest.
pub const CHAIN_ID: u32 = 3;

/// A token.
///
/// # Panics
/// If the id is not below `2^30`.
pub fn token(id: u32) -> TokenId {
    TokenId::new(id).expect("tests name token ids below 2^30")
}

/// An amount.
///
/// # Panics
/// If it is not below `2^96`.
pub fn amount(value: u128) -> Amount {
    Amount::new(value).expect("tests name amounts below 2^96")
}

/// The secret key of a seed.
pub fn secret(seed: u64) -> SecretKey {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    SecretKey::from_bytes(bytes)
}

/// The public key of a seed.
pub fn public(seed: u64) -> PublicKey {
    secret(seed).public_key()
}

/// A point of the curve outside the prime-order subgroup: the key of a seed and a point of order 2.
///
/// # Panics
/// Never: the sum of two points of the curve is one.
pub fn low_order_key(seed: u64) -> Point {
    use ark_ec::CurveGroup;
    use ark_ff::{One, Zero};
    let order2 = Point::new_unchecked(ark_bn254::Fr::zero(), -ark_bn254::Fr::one());
    (public(seed).point() + order2).into_affine()
}

/// The smallest shape there is: one single slot, and room for its account and the operator's under one node.
pub fn smallest_shape() -> Shape {
    Shape {
        name: "one".into(),
        account_depth: 1,
        pool_depth: 1,
        slots: vec![SlotKind::Single],
        accounts: 2,
        pools: 0,
        nodes: 1,
        fee_tokens: 0,
    }
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct SplitMix(u64);

impl SplitMix {
    /// A generator from a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is at least 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit.max(1)
    }

    /// An amount of any width, at least 1.
    pub fn amount(&mut self) -> Amount {
        let wide = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
        amount((wide >> 32 >> self.below(96)).max(1))
    }
}

/// A ledger, the shape of its batches, and the batch that is being put together. Account i has the key of [`secret`]`(i)`
/// if it was made through this builder, until [`World::change_key`] gives it another.
#[derive(Clone, Debug)]
pub struct World {
    /// The ledger, without the open batch.
    pub ledger: Ledger,
    /// The shape.
    pub shape: Shape,
    /// The account that takes the fees.
    pub operator: u32,
    /// The open batch.
    pub open: Vec<Transaction>,
    /// The fee that the builder puts on signed transactions.
    pub fee: (TokenId, Amount),
    /// Outpoints given out.
    deposits: u64,
    /// Seeds of the keys that accounts were changed to, by their bytes.
    seeds: BTreeMap<[u8; 32], u64>,
}

impl World {
    /// Genesis.
    ///
    /// # Panics
    /// If the shape cannot exist.
    pub fn new(shape: Shape) -> Self {
        let ledger = Ledger::genesis(CHAIN_ID, shape.account_depth, shape.pool_depth);
        Self {
            ledger: ledger.expect("tests use shapes that exist"),
            shape,
            operator: 0,
            open: Vec::new(),
            fee: (TokenId::NONE, Amount::ZERO),
            deposits: 0,
            seeds: BTreeMap::new(),
        }
    }

    /// Genesis of a registered shape.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn registered(name: &str) -> Self {
        Self::new(Shape::registered(name).expect("tests name registered shapes"))
    }

    /// A world with `accounts` accounts that hold tokens 1, 2 and 3 each, and a pool of tokens 1 and 2.
    ///
    /// # Panics
    /// If the shape has no single slots.
    pub fn populated(shape: Shape, accounts: u64) -> Self {
        let mut world = Self::new(shape);
        for index in 0..accounts as u32 {
            world.deposit_new(1, 10_000_000).apply_alone();
            world.deposit(index, 2, 20_000_000).apply_alone();
            world.deposit(index, 3, 30_000_000).apply_alone();
        }
        world.create_pool(0, (1, 2), 30, (2_000_000, 3_000_000)).apply_alone();
        world
    }

    /// As many accounts, by copies of the last one, which come out of nothing: a state to measure on.
    ///
    /// # Panics
    /// If there is no account.
    pub fn crowd(&mut self, accounts: u32) {
        let (index, last) = self.ledger.accounts().iter().next_back().expect("an account to copy");
        let (index, last) = (u64::from(*index), last.clone());
        if let Some(key) = last.key {
            // The copies sign with its key.
            self.seeds.entry(pack(&key.point())).or_insert(index);
        }
        self.ledger.crowd(&last, accounts);
    }

    /// The next account's index after the open batch.
    pub fn next_account(&self) -> u32 {
        self.ledger.next_account() + self.open.iter().filter(|tx| makes_account(tx)).count() as u32
    }

    /// Sets the fee of the transactions that follow.
    pub fn with_fee(&mut self, token_id: u32, fee: u128) -> &mut Self {
        self.fee = (token(token_id), amount(fee));
        self
    }

    fn signed(&mut self, signer: u32) -> Signed {
        let mut signed = Signed::with_nonce(self.nonce(signer));
        (signed.fee_token, signed.fee) = self.fee;
        signed
    }

    /// The account's nonce after the open batch.
    pub fn nonce(&self, account: u32) -> u64 {
        let stored = self.ledger.account(account).map_or(0, |a| a.nonce);
        stored + self.open.iter().filter(|tx| tx.signer() == Some(account)).count() as u64
    }

    /// The key of an account, that of its index as seed if it does not exist.
    pub fn key(&self, account: u32) -> Point {
        let stored = self.ledger.account(account).and_then(|a| a.key);
        stored.unwrap_or_else(|| public(account.into())).point()
    }

    /// The key that an account signs with after the open batch.
    pub fn secret_of(&self, account: u32) -> SecretKey {
        let changed = self.open.iter().rev().find_map(|tx| match tx {
            Transaction::ChangeKey { account: signer, key, .. } if *signer == account => Some(*key),
            _ => None,
        });
        let key = changed.or_else(|| self.ledger.account(account)?.key.map(|key| key.point()));
        secret(key.and_then(|key| self.seeds.get(&pack(&key)).copied()).unwrap_or(account.into()))
    }

    /// Signs with the signer's key and appends.
    ///
    /// # Panics
    /// If the signature happens not to exist.
    pub fn push(&mut self, mut tx: Transaction) -> &mut Self {
        if let Some(signer) = tx.signer() {
            tx.sign(&self.secret_of(signer), self.ledger.chain_id()).expect("fails once in 2^60");
        }
        self.open.push(tx);
        self
    }

    /// Makes one bundle of the transactions appended from number `first` on.
    ///
    /// # Panics
    /// If a signature happens not to exist.
    pub fn bundle_from(&mut self, first: usize) -> &mut Self {
        let chain_id = self.ledger.chain_id();
        let members = self.open.split_off(first);
        let message = bundle::message(&members, chain_id);
        for mut tx in members {
            let key = tx.signer().map(|signer| self.secret_of(signer));
            if let (Some(signed), Some(key)) = (tx.signed_mut(), key) {
                signed.message = Some(message);
                signed.signature = key.sign(message).expect("fails once in 2^60");
            }
            self.open.push(tx);
        }
        self
    }

    fn outpoint(&mut self) -> Outpoint {
        self.deposits += 1;
        let mut txid = [0xd0; 32];
        txid[..8].copy_from_slice(&self.deposits.to_le_bytes());
        Outpoint { txid, vout: self.deposits as u32 % 5 }
    }

    /// Appends a deposit.
    pub fn deposit(&mut self, account: u32, token_id: u32, value: u128) -> &mut Self {
        let (outpoint, refund) = (self.outpoint(), Destination([0xde; 32]));
        self.push(Transaction::Deposit { outpoint, account, token: token(token_id), amount: amount(value), refund })
    }

    /// Appends a deposit to a new account, whose key is that of its index.
    pub fn deposit_new(&mut self, token_id: u32, value: u128) -> &mut Self {
        let key = public(self.next_account().into()).point();
        let (outpoint, refund) = (self.outpoint(), Destination([0xdf; 32]));
        self.push(Transaction::DepositNew { outpoint, key, token: token(token_id), amount: amount(value), refund })
    }

    /// Appends a transfer.
    pub fn transfer(&mut self, from: u32, to: u32, token_id: u32, value: u128) -> &mut Self {
        let (to_key, signed) = (self.key(to), self.signed(from));
        self.push(Transaction::Transfer { from, to, to_key, token: token(token_id), amount: amount(value), signed })
    }

    /// Appends a transfer to a new account, whose key is that of its index.
    pub fn transfer_new(&mut self, from: u32, token_id: u32, value: u128) -> &mut Self {
        let (to_key, signed) = (public(self.next_account().into()).point(), self.signed(from));
        self.push(Transaction::TransferNew { from, to_key, token: token(token_id), amount: amount(value), signed })
    }

    /// Appends a swap that takes any price.
    pub fn swap(&mut self, account: u32, pool: u32, direction: Direction, sold: u128) -> &mut Self {
        let signed = self.signed(account);
        let (amount_in, min_out) = (amount(sold), Amount::ZERO);
        self.push(Transaction::Swap { account, pool, direction, amount_in, min_out, signed })
    }

    /// Appends the creation of a pool.
    pub fn create_pool(
        &mut self,
        account: u32,
        (token0, token1): (u32, u32),
        fee_bp: u16,
        (amount0, amount1): (u128, u128),
    ) -> &mut Self {
        let signed = self.signed(account);
        let (token0, token1) = (token(token0), token(token1));
        let (amount0, amount1) = (amount(amount0), amount(amount1));
        self.push(Transaction::CreatePool { account, token0, token1, fee_bp, amount0, amount1, signed })
    }

    /// Appends an addition of liquidity.
    pub fn add_liquidity(&mut self, account: u32, pool: u32, (max0, max1): (u128, u128)) -> &mut Self {
        let signed = self.signed(account);
        let (max0, max1, min_shares) = (amount(max0), amount(max1), Amount::ZERO);
        self.push(Transaction::AddLiquidity { account, pool, max0, max1, min_shares, signed })
    }

    /// Appends a removal of liquidity that takes anything.
    pub fn remove_liquidity(&mut self, account: u32, pool: u32, shares: u128) -> &mut Self {
        let signed = self.signed(account);
        let (shares, min0, min1) = (amount(shares), Amount::ZERO, Amount::ZERO);
        self.push(Transaction::RemoveLiquidity { account, pool, shares, min0, min1, signed })
    }

    /// Appends a change to the key of a seed; what the account signs after it is signed with that.
    pub fn change_key(&mut self, account: u32, seed: u64) -> &mut Self {
        let (key, signed) = (public(seed).point(), self.signed(account));
        self.seeds.insert(pack(&key), seed);
        self.push(Transaction::ChangeKey { account, key, signed })
    }

    /// Appends a withdrawal.
    pub fn withdraw(&mut self, account: u32, token_id: u32, value: u128) -> &mut Self {
        let (destination, signed) = (Destination([0xdd; 32]), self.signed(account));
        let (token, amount) = (token(token_id), amount(value));
        self.push(Transaction::Withdraw { account, token, amount, destination, signed })
    }

    /// Executes the open batch; it is empty afterwards.
    ///
    /// # Errors
    /// [`BatchError`], and the ledger is as it was.
    pub fn apply(&mut self) -> Result<Executed, BatchError> {
        let transactions = std::mem::take(&mut self.open);
        self.ledger.execute(&self.shape, self.operator, &transactions)
    }

    /// As [`World::apply`], for batches that are valid.
    fn apply_alone(&mut self) {
        self.apply().expect("the batches that populate a world are valid");
    }

    /// Fills the open batch with `tries` random transactions, leaving out those that are refused. The result is valid as far
    /// as it was before. It takes a full execution for each try.
    pub fn fill_at_random(&mut self, rng: &mut SplitMix, tries: usize) {
        for _ in 0..tries {
            let before = self.clone();
            self.push_at_random(rng);
            let mut trial = self.ledger.clone();
            if trial.execute(&self.shape, self.operator, &self.open).is_err() {
                *self = before;
            }
        }
    }

    /// Appends one random transaction of any kind or a bundle of two, valid more often than not.
    pub fn push_at_random(&mut self, rng: &mut SplitMix) {
        let first = self.open.len();
        self.push_one_at_random(rng);
        if rng.below(5) == 0 {
            self.push_one_at_random(rng);
            self.bundle_from(first);
        }
    }

    fn push_one_at_random(&mut self, rng: &mut SplitMix) {
        let accounts = u64::from(self.ledger.next_account());
        let (a, b) = (rng.below(accounts) as u32, rng.below(accounts) as u32);
        let pool = rng.below(self.ledger.next_pool().into()) as u32;
        let token_id = 1 + rng.below(4) as u32;
        let value = u128::from(1 + rng.below(100_000));
        let fee = if rng.below(2) == 0 { (0, 0) } else { (1 + rng.below(3) as u32, u128::from(1 + rng.below(100))) };
        self.with_fee(fee.0, fee.1);
        match rng.below(12) {
            0 | 1 => self.transfer(a, b, token_id, value),
            2 => self.transfer_new(a, token_id, value),
            3 => self.deposit(a, token_id, value),
            4 => self.deposit_new(token_id, value),
            5 => {
                let code = rng.below(2) as u8;
                self.swap(a, pool, Direction::from_code(code).unwrap_or(Direction::ZeroForOne), value)
            }
            6 => self.create_pool(a, (token_id, token_id + 1 + rng.below(2) as u32), 30, (5000 + value, 9000)),
            7 => self.add_liquidity(a, pool, (value, 2 * value)),
            8 => {
                let share = TokenId::lp(pool).map_or(0, TokenId::get);
                let held = self.ledger.account(a).map_or(0, |account| account.balance(token(share)));
                self.remove_liquidity(a, pool, if rng.below(4) == 0 { held } else { value.min(held) })
            }
            9 => self.change_key(a, 1000 + rng.below(1000)),
            10 => self.withdraw(a, token_id, value),
            // A deposit that may have to be refunded.
            _ => match rng.below(3) {
                0 => self.deposit(accounts as u32 + rng.below(90) as u32, token_id, value),
                1 => self.deposit(a, 1 + rng.below(20) as u32, value),
                _ => self.deposit(a, token_id, Amount::MAX.get()),
            },
        };
    }
}

fn makes_account(tx: &Transaction) -> bool {
    matches!(tx, Transaction::TransferNew { .. } | Transaction::DepositNew { .. })
}
