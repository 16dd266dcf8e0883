//! Batches with one thing wrong: refused with file, line, kind and rule, the right exit code, and nothing done or written.

use std::fs;
use std::path::PathBuf;

use tapstone_circuits::amount::Amount;
use tapstone_circuits::file::{BatchFile, Header};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::signature::curve::Scalar;
use tapstone_circuits::testing::{World, amount, low_order_key, public, secret, token};
use tapstone_circuits::transaction::Transaction;

use crate::common::*;

const GO: Direction = Direction::ZeroForOne;

/// A state with three accounts and a pool, as a file, and a place for batch files.
struct Place {
    folder: tempfile::TempDir,
    world: World,
}

impl Place {
    fn new() -> Self {
        let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
        // Account 1 has room for two more tokens from strangers; token 12 can be sent.
        world.deposit(1, 10, 5).deposit(1, 11, 5).apply().unwrap();
        world.deposit(0, 12, 50).apply().unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("state.json"), serde_json::to_vec(&world.ledger.snapshot()).unwrap()).unwrap();
        Self { folder, world }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The text of a batch that a world builds.
    fn text(&self, build: impl FnOnce(&mut World)) -> String {
        let mut w = self.world.clone();
        build(&mut w);
        let header = Header {
            chain_id: 3,
            batch: w.ledger.batch_number() + 1,
            pre_state_root: w.ledger.state_root(),
            operator: w.operator,
        };
        BatchFile { header, transactions: w.open }.to_jsonl()
    }

    /// Proving the text must fail with this code, on this line, for this reason, and leave no trace.
    #[track_caller]
    fn refuse(&self, contents: &str, code: i32, line: usize, reason: &str) {
        let (batch, state) = (self.path("batch.jsonl"), self.path("state.json"));
        fs::write(&batch, contents).unwrap();
        let before = fs::read(&state).unwrap();
        let (out, keys) = (self.path("out"), self.path("keys"));
        let args = ["prove", text(&batch), "--shape", "tiny", "--state", text(&state)];
        let args = [&args[..], &["--out", text(&out), "--keys", text(&keys)]].concat();
        let (had, _, stderr) = tapstone(&args);
        assert_eq!(had, code, "{stderr}");
        let place = format!("{}: line {line}", batch.display());
        assert!(stderr.contains(&place) && stderr.contains(reason), "needed {place} and {reason}: {stderr}");
        assert_eq!(fs::read(&state).unwrap(), before);
        assert!(!out.exists() && !keys.exists(), "nothing is made for a file that is refused");
    }

    /// A batch that breaks a rule, with a good transaction before it.
    #[track_caller]
    fn broken(&self, build: impl FnOnce(&mut World), reason: &str) {
        let contents = self.text(|w| {
            w.transfer(0, 1, 1, 1);
            build(w);
        });
        self.refuse(&contents, 1, 3, reason);
    }
}

/// Alters the last transaction and signs it anew.
fn resign(w: &mut World, change: impl FnOnce(&mut Transaction)) {
    let mut tx = w.open.pop().unwrap();
    change(&mut tx);
    w.push(tx);
}

/// Alters the last transaction after it was signed.
fn alter(w: &mut World, change: impl FnOnce(&mut Transaction)) {
    change(w.open.last_mut().unwrap());
}

macro_rules! set {
    ($kind:ident, $field:ident = $value:expr) => {
        |tx: &mut Transaction| {
            let value = $value;
            match tx {
                Transaction::$kind { $field, .. } => *$field = value,
                _ => panic!("another kind"),
            }
        }
    };
}

#[test]
fn malformed_lines() {
    let place = Place::new();
    let good = place.text(|w| {
        w.transfer(0, 1, 1, 5);
    });
    let line = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        let (header, tx) = good.split_once('\n').unwrap();
        format!("{header}\n{}", tx.replacen(from, to, 1))
    };
    place.refuse(&line("{", "not json {"), 3, 2, "column");
    place.refuse(&line("\"token\":1", "\"token\":1,\"memo\":1"), 3, 2, "field \"memo\": unknown field");
    place.refuse(&line("\"token\":1,", ""), 3, 2, "field \"token\": the field is missing");
    place.refuse(&line("\"token\":1", "\"token\":1,\"token\":1"), 3, 2, "field \"token\": the field is repeated");
    place.refuse(&line("\"kind\":\"transfer\"", "\"kind\":\"mint\""), 3, 2, "field \"kind\"");
    let too_large = (1u128 << 96).to_string();
    for bad in ["5", "\"-5\"", "\"+5\"", "\"05\"", "\"\"", "\"5.0\"", "\"0x5\"", &format!("\"{too_large}\"")] {
        place.refuse(&line("\"amount\":\"5\"", &format!("\"amount\":{bad}")), 3, 2, "field \"amount\"");
    }
    place.refuse(&line("\"from\":0", "\"from\":-1"), 3, 2, "column");
    place.refuse(&line("\"to_key\":\"", "\"to_key\":\"ff"), 3, 2, "field \"to_key\"");
    // y = 3 has no x: not a point at all.
    let key = good.split("\"to_key\":\"").nth(1).unwrap()[..64].to_owned();
    let off_curve = (2..=255u8)
        .map(|y| format!("{y:02x}{}", "0".repeat(62)))
        .find(|text| tapstone_circuits::signature::curve::unpack(&hex::decode(text).unwrap().try_into().unwrap()).is_err());
    place.refuse(&line(&key, &off_curve.unwrap()), 3, 2, "field \"to_key\": had");
    place.refuse("", 3, 1, "empty");
    place.refuse(good.lines().next().unwrap(), 3, 2, "at least one transaction");
    place.refuse(&good[..good.len() - 30], 3, 2, "column");
}

#[test]
fn batches_that_do_not_follow_the_state() {
    let place = Place::new();
    let good = place.text(|w| {
        w.transfer(0, 1, 1, 5);
    });
    let number = place.world.ledger.batch_number() + 1;
    let batch = format!("\"batch\":{number}");
    place.refuse(&good.replacen(&batch, &format!("\"batch\":{}", number + 1), 1), 1, 1, "batch number");
    place.refuse(&good.replacen("\"chain_id\":3", "\"chain_id\":7", 1), 1, 1, "chain id");
    let root = good.split("\"pre_state_root\":\"").nth(1).unwrap()[..66].to_owned();
    let other = format!("0x{}", "0".repeat(64));
    place.refuse(&good.replacen(&root, &other, 1), 1, 1, "root");
    place.refuse(&good.replacen("\"operator\":0", "\"operator\":40", 1), 1, 1, "operator account 40 does not exist");
}

#[test]
fn unknown_accounts_pools_and_tokens() {
    let place = Place::new();
    place.broken(|w| done(w.transfer(0, 40, 1, 5)), "account 40 does not exist, the next to be made is 3");
    place.broken(|w| done(w.transfer(40, 0, 1, 5)), "transfer of account 40 refused: account 40 does not exist");
    place.broken(|w| done(w.swap(0, 5, GO, 5)), "pool 5 does not exist, the next to be made is 1");
    place.broken(|w| done(w.transfer(0, 1, 77, 5)), "balance of token 77 is 0, needed at least 5");
    place.broken(|w| done(w.transfer(0, 0, 1, 5)), "account 0 cannot transfer to itself");
}

/// Ends a chain of calls.
fn done(_: &mut World) {}

#[test]
fn signatures() {
    let place = Place::new();
    let signature = |change: fn(&mut World), reason: &str| {
        place.broken(
            |w| {
                w.transfer(0, 1, 1, 5);
                change(w);
            },
            reason,
        );
    };
    let wrong = "signature refused: the signature does not belong to this key and message";
    signature(|w| w.open[1].sign(&secret(1), 3).unwrap(), wrong);
    signature(|w| w.open[1].sign(&secret(0), 4).unwrap(), wrong);
    signature(|w| alter(w, set!(Transfer, amount = amount(6))), wrong);
    // A swap's signature on a transfer.
    signature(
        |w| {
            let mut other = w.clone();
            other.open.truncate(1);
            other.swap(0, 0, GO, 5);
            let stolen = other.open[1].signed().unwrap().signature;
            alter(w, |tx| tx.signed_mut().unwrap().signature = stolen);
        },
        wrong,
    );
    signature(|w| resign(w, |tx| tx.signed_mut().unwrap().nonce += 1), "the nonce is 3, needed 2");
    signature(|w| resign(w, |tx| tx.signed_mut().unwrap().nonce = 0), "the nonce is 0, needed 2");
    // S + l.
    signature(
        |w| {
            use ark_ff::{BigInteger, PrimeField};
            alter(w, |tx| {
                tx.signed_mut().unwrap().signature.s.add_with_carry(&Scalar::MODULUS);
            });
        },
        "signature refused: S of the signature is",
    );
    signature(
        |w| resign(w, set!(Transfer, to_key = public(2).point())),
        "account 1 does not have the key that the sender signed",
    );
}

#[test]
fn keys() {
    let place = Place::new();
    let identity = tapstone_circuits::signature::curve::Point::zero();
    for (key, reason) in
        [(identity, "the key is the identity"), (low_order_key(1), "the key is not in the prime-order subgroup")]
    {
        place.broken(
            |w| {
                w.transfer_new(0, 1, 5);
                resign(w, set!(TransferNew, to_key = key));
            },
            reason,
        );
        place.broken(
            |w| {
                w.withdraw(0, 1, 5);
                let Transaction::Withdraw { signed, .. } = w.open.pop().unwrap() else { panic!() };
                w.push(Transaction::ChangeKey { account: 0, key, signed });
            },
            reason,
        );
    }
}

#[test]
fn amounts_fees_and_limits() {
    let place = Place::new();
    let all = place.world.ledger.account(1).unwrap().balance(token(2));
    place.broken(|w| done(w.transfer(1, 0, 2, all + 1)), "account 1 cannot be debited: balance of token 2 is");
    place.broken(|w| done(w.with_fee(1, 1 << 90).transfer(0, 1, 2, 5)), "account 0 cannot be debited");
    place.broken(
        |w| {
            w.with_fee(1, 5).transfer(0, 1, 2, 5);
            alter(w, |tx| tx.signed_mut().unwrap().fee_token = token(2));
        },
        "signature refused",
    );
    place.broken(
        |w| {
            w.transfer(0, 1, 1, 5);
            resign(w, |tx| tx.signed_mut().unwrap().expiry = 2);
        },
        "the transaction expired with batch 2, this is batch",
    );
    place.broken(|w| done(w.transfer(0, 1, 1, 0)), "amount is 0, needed at least 1");
    place.broken(|w| done(w.swap(0, 0, GO, 0)), "amount_in is 0");
    place.broken(|w| done(w.withdraw(0, 1, 0)), "amount is 0");
    place.broken(|w| done(w.withdraw(0, 1 << 29, 5)), "token 536870912 is not ordinary");
    let had = place.world.ledger.account(1).unwrap().balance(token(1));
    let mut rich = Place::new();
    rich.world.deposit(1, 1, Amount::MAX.get() - had).apply().unwrap();
    fs::write(rich.path("state.json"), serde_json::to_vec(&rich.world.ledger.snapshot()).unwrap()).unwrap();
    let overflow = rich.text(|w| {
        w.transfer(0, 1, 1, 1);
    });
    rich.refuse(&overflow, 1, 2, "would reach 2^96");
}

#[test]
fn pools() {
    let place = Place::new();
    place.broken(
        |w| {
            w.swap(0, 0, GO, 1000);
            resign(w, set!(Swap, min_out = amount(1495)));
        },
        "pool 0: the swap yields 1494, needed at least 1495",
    );
    place.broken(
        |w| {
            w.remove_liquidity(0, 0, 1000);
            resign(w, set!(RemoveLiquidity, min0 = amount(817)));
        },
        "the shares yield 816 of token 1, needed at least 817",
    );
    place.broken(|w| done(w.create_pool(0, (2, 2), 30, (5000, 5000))), "token0 is 2 and token1 is 2");
    place.broken(|w| done(w.create_pool(0, (3, 2), 30, (5000, 5000))), "needed token0 < token1");
    place.broken(|w| done(w.add_liquidity(0, 0, (1, 1))), "the amounts are worth no share");
    // First-depositor inflation needs a pool of a few shares: a thousand stay locked, and less does not make a pool.
    place.broken(|w| done(w.create_pool(0, (2, 3), 30, (1, 1))), "the first supply is 1, needed at least 1001");
    place.broken(|w| done(w.create_pool(0, (2, 3), 30, (1000, 1000))), "the first supply is 1000, needed at least 1001");
    place.broken(|w| done(w.remove_liquidity(1, 0, 5)), "account 1 cannot be debited");
}

#[test]
fn full_accounts_dust_and_bundles() {
    let place = Place::new();
    place.broken(
        |w| done(w.transfer(0, 1, 12, 5)),
        "account 1 cannot be credited: a credit of token 12 by a stranger needs 4 free slots, the account has 3",
    );
    let mut full = Place::new();
    for _ in 0..3 {
        full.world.create_pool(1, (2, 3), 30, (5000, 5000)).apply().unwrap();
    }
    fs::write(full.path("state.json"), serde_json::to_vec(&full.world.ledger.snapshot()).unwrap()).unwrap();
    let contents = full.text(|w| {
        w.create_pool(1, (2, 3), 30, (5000, 5000));
    });
    full.refuse(&contents, 1, 2, "no slot is free for token");
    // A bundle cut in two: its second half is missing, or stands elsewhere.
    let cut = place.text(|w| {
        w.transfer(0, 1, 1, 5).transfer(1, 0, 2, 5).bundle_from(0);
        w.open.pop();
    });
    place.refuse(&cut, 1, 2, "the bundle that starts with transaction 0 has 1 members here");
    let torn = place.text(|w| {
        w.transfer(0, 1, 1, 5).transfer(1, 0, 2, 5).bundle_from(0);
        let last = w.open.pop().unwrap();
        w.deposit(2, 1, 5);
        w.open.push(last);
    });
    place.refuse(&torn, 1, 3, "deposit of account 2 refused: a bundle is open");
    let large = place.text(|w| {
        w.transfer(0, 1, 1, 5).transfer(1, 0, 2, 5).transfer(2, 0, 1, 5).bundle_from(0);
    });
    place.refuse(&large, 1, 4, "the bundle of transactions 0 to 2 does not fit into one batch");
}
