//! `batch generate`: seeded traffic that executes from the empty state.

use sha2::{Digest, Sha256};
use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::deposit::{Destination, Outpoint};
use tapstone_circuits::file::{BatchFile, Header};
use tapstone_circuits::ledger::Ledger;
use tapstone_circuits::pool::Direction;
use tapstone_circuits::signature::SecretKey;
use tapstone_circuits::testing::SplitMix;
use tapstone_circuits::transaction::{Signed, Transaction};

use super::keys;
use crate::args::{GenerateBatch, Mix};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::Report;

/// What each account starts with of both tokens.
const START: u64 = 1_000_000_000_000;
/// What account 0 puts into the pool of each.
const POOL: u64 = 100_000_000_000;
/// The fee of every transaction, in the native token.
const FEE: u64 = 10;
/// The token that is traded for the native one.
const OTHER: u32 = 2;

/// `tapstone batch generate`.
pub fn run(args: &GenerateBatch) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    let genesis = Ledger::genesis(args.chain_id, shape.account_depth, shape.pool_depth);
    let genesis = genesis.map_err(|e| Failure::new(Reason::Bug, e))?;
    let room = 1u64 << (3 * shape.account_depth);
    if u64::from(args.accounts) > room || args.accounts < 2 {
        let text = format!("--accounts is {}, trees of shape {} have room for 2 to {room}", args.accounts, shape.name);
        return Err(Failure::new(Reason::Usage, text));
    }
    if args.hot > args.accounts {
        return Err(Failure::new(Reason::Usage, format!("--hot is {}, there are {} accounts", args.hot, args.accounts)));
    }
    let mut traffic = Traffic::new(args);
    traffic.start()?;
    let setup = traffic.list.len();
    for _ in 0..args.transactions {
        traffic.step()?;
    }
    let header = Header { chain_id: args.chain_id, batch: 1, pre_state_root: genesis.state_root(), operator: 0 };
    let file = BatchFile { header, transactions: traffic.list };
    files::replace(&args.file, file.to_jsonl().as_bytes())?;
    let mut report = Report::default();
    report
        .add("file", args.file.display().to_string())
        .add("seed", args.seed)
        .add("accounts", args.accounts)
        .add("transactions", args.transactions)
        .add("lines_that_set_the_state_up", setup);
    Ok(report)
}

struct Traffic<'a> {
    args: &'a GenerateBatch,
    rng: SplitMix,
    secrets: Vec<SecretKey>,
    nonces: Vec<u64>,
    /// Shares that an account is sure to have.
    shares: Vec<u64>,
    deposits: u64,
    list: Vec<Transaction>,
}

impl<'a> Traffic<'a> {
    fn new(args: &'a GenerateBatch) -> Self {
        let secret = |index: u32| {
            let mut hasher = Sha256::new_with_prefix(b"tapstone batch generate");
            hasher.update(args.seed.to_le_bytes());
            hasher.update(index.to_le_bytes());
            SecretKey::from_bytes(hasher.finalize().into())
        };
        let count = args.accounts as usize;
        Self {
            args,
            rng: SplitMix::new(args.seed),
            secrets: (0..args.accounts).map(secret).collect(),
            nonces: vec![0; count],
            shares: vec![0; count],
            deposits: 0,
            list: Vec::new(),
        }
    }

    /// Accounts with both tokens, and a pool.
    fn start(&mut self) -> Result<(), Failure> {
        let (native, other) = (TokenId::NATIVE, token(OTHER)?);
        for index in 0..self.args.accounts {
            let key = self.secrets[index as usize].public_key().point();
            let (outpoint, refund) = self.outpoint();
            self.list.push(Transaction::DepositNew { outpoint, key, token: native, amount: START.into(), refund });
            let (outpoint, refund) = self.outpoint();
            self.list.push(Transaction::Deposit { outpoint, account: index, token: other, amount: START.into(), refund });
        }
        let signed = self.signed(0)?;
        let (amount0, amount1) = (POOL.into(), POOL.into());
        self.push(Transaction::CreatePool {
            account: 0,
            token0: native,
            token1: other,
            fee_bp: 30,
            amount0,
            amount1,
            signed,
        })
    }

    fn outpoint(&mut self) -> (Outpoint, Destination) {
        self.deposits += 1;
        let hash = |what: &[u8]| -> [u8; 32] {
            Sha256::new_with_prefix(what)
                .chain_update(self.args.seed.to_le_bytes())
                .chain_update(self.deposits.to_le_bytes())
                .finalize()
                .into()
        };
        (Outpoint { txid: hash(b"deposit"), vout: 0 }, Destination(hash(b"refund")))
    }

    fn signed(&mut self, account: u32) -> Result<Signed, Failure> {
        let nonce = &mut self.nonces[account as usize];
        let mut signed = Signed::with_nonce(*nonce);
        *nonce += 1;
        (signed.fee_token, signed.fee) = (TokenId::NATIVE, FEE.into());
        Ok(signed)
    }

    fn push(&mut self, mut tx: Transaction) -> Result<(), Failure> {
        if let Some(signer) = tx.signer() {
            let secret = &self.secrets[signer as usize];
            tx.sign(secret, self.args.chain_id).map_err(|e| Failure::new(Reason::Bug, e))?;
        }
        self.list.push(tx);
        Ok(())
    }

    /// An account: half of the time one of the hot ones, if there are any.
    fn account(&mut self) -> u32 {
        let hot = self.args.hot > 0 && self.rng.below(2) == 0;
        let among = if hot { self.args.hot } else { self.args.accounts };
        // Below a number of 32 bits.
        self.rng.below(among.into()) as u32
    }

    fn amount(&mut self, most: u64) -> Amount {
        (1000 + self.rng.below(most - 1000)).into()
    }

    fn step(&mut self) -> Result<(), Failure> {
        let Mix { transfers, swaps, liquidity, withdrawals } = self.args.mix;
        let drawn = self.rng.below((transfers + swaps + liquidity + withdrawals).into()) as u32;
        let account = self.account();
        let tx = if drawn < transfers {
            let mut to = self.account();
            while to == account {
                // Any other, as one hot account alone would have nobody to pay.
                to = self.rng.below(self.args.accounts.into()) as u32;
            }
            let to_key = self.secrets[to as usize].public_key().point();
            let token = if self.rng.below(3) == 0 { token(OTHER)? } else { TokenId::NATIVE };
            Transaction::Transfer {
                from: account,
                to,
                to_key,
                token,
                amount: self.amount(10_000),
                signed: self.signed(account)?,
            }
        } else if drawn < transfers + swaps {
            let direction = if self.rng.below(2) == 0 { Direction::ZeroForOne } else { Direction::OneForZero };
            let (amount_in, min_out) = (self.amount(50_000), Amount::ZERO);
            Transaction::Swap { account, pool: 0, direction, amount_in, min_out, signed: self.signed(account)? }
        } else if drawn < transfers + swaps + liquidity {
            let shares = &mut self.shares[account as usize];
            if *shares >= 1000 && self.rng.below(2) == 0 {
                *shares -= 1000;
                let (shares, min0, min1) = (1000.into(), Amount::ZERO, Amount::ZERO);
                Transaction::RemoveLiquidity { account, pool: 0, shares, min0, min1, signed: self.signed(account)? }
            } else {
                // Fees make a share worth more than it cost at first, by far less than a tenth here.
                *shares += 1000;
                let (max0, max1, min_shares) = (2_000.into(), 2_000.into(), 1000.into());
                Transaction::AddLiquidity { account, pool: 0, max0, max1, min_shares, signed: self.signed(account)? }
            }
        } else {
            let destination = self.outpoint().1;
            let (token, amount) = (TokenId::NATIVE, self.amount(5_000));
            Transaction::Withdraw { account, token, amount, destination, signed: self.signed(account)? }
        };
        self.push(tx)
    }
}

fn token(id: u32) -> Result<TokenId, Failure> {
    TokenId::new(id).map_err(|e| Failure::new(Reason::Bug, e))
}
