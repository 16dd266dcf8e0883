//! Proofs of accounts and pools against the state root (PROTOCOL.md, section 13); `tapstone_verifier::exit` verifies them.

use ark_bn254::Fr;
use tapstone_verifier::Element;
use tapstone_verifier::exit::{
    AccountFormat, AccountLeaf, AccountProof, PoolFormat, PoolLeaf, PoolOpening, PoolProof, Siblings, StateFields,
};

use super::{Head, Ledger, Source};
use crate::account::Account;
use crate::pool::Pool;
use crate::tree::{ARITY, Family, Place, Tree, places, positions};

impl Head {
    /// What the state root covers.
    pub fn state_fields(&self) -> StateFields {
        let summary = self.summary;
        StateFields {
            chain_id: self.chain_id,
            batch_number: summary.batch_number,
            account_depth: self.account_depth,
            pool_depth: self.pool_depth,
            next_account: summary.next_account,
            next_pool: summary.next_pool,
            deposit_count: summary.deposit_count,
            account_root: summary.account_root.into(),
            pool_root: summary.pool_root.into(),
            deposit_head: summary.deposit_head.into(),
        }
    }
}

impl Ledger {
    /// As [`prove_account`].
    pub fn prove_account(&self, index: u32) -> Option<AccountProof> {
        let Ok(proof) = prove_account(self, index);
        proof
    }

    /// As [`prove_pool`].
    pub fn prove_pool(&self, index: u32) -> Option<PoolProof> {
        let Ok(proof) = prove_pool(self, index);
        proof
    }

    /// What the state root covers.
    pub fn state_fields(&self) -> StateFields {
        self.head().state_fields()
    }
}

/// The proof of what an account holds, LP shares with their pools included; `None` if there is no such account.
///
/// # Errors
/// What the source says.
pub fn prove_account<S: Source>(source: &S, index: u32) -> Result<Option<AccountProof>, S::Error> {
    let head = source.head()?;
    if index >= head.summary.next_account {
        return Ok(None);
    }
    let account = source.account(index)?;
    // The ledger makes accounts with a key only.
    let Some(key) = account.key else { return Ok(None) };
    let leaf = AccountLeaf { key: key.to_bytes(), nonce: account.nonce, tokens: account.tokens, balances: account.balances };
    let empty = Account::EMPTY.leaf_hash();
    let path = path(index, head.account_depth, empty, |place| source.account_family(place))?;
    let mut pools = Vec::new();
    for (pool, _) in leaf.shares() {
        // Nobody holds shares of a pool that does not exist.
        let Some(opening) = open_pool(source, &head, pool)? else { return Ok(None) };
        pools.push(opening);
    }
    Ok(Some(AccountProof { format: AccountFormat, state: head.state_fields(), index, account: leaf, path, pools }))
}

/// The proof of a pool's reserves and supply; `None` if there is no such pool.
///
/// # Errors
/// What the source says.
pub fn prove_pool<S: Source>(source: &S, index: u32) -> Result<Option<PoolProof>, S::Error> {
    let head = source.head()?;
    let opening = open_pool(source, &head, index)?;
    Ok(opening.map(|opening| PoolProof { format: PoolFormat, state: head.state_fields(), opening }))
}

fn open_pool<S: Source>(source: &S, head: &Head, index: u32) -> Result<Option<PoolOpening>, S::Error> {
    if index >= head.summary.next_pool {
        return Ok(None);
    }
    let Pool { token0, token1, fee_bp, reserve0, reserve1, supply } = source.pool(index)?;
    let pool = PoolLeaf {
        token0: token0.get(),
        token1: token1.get(),
        fee_bp,
        reserve0: reserve0.get(),
        reserve1: reserve1.get(),
        supply: supply.get(),
    };
    let path = path(index, head.pool_depth, Pool::EMPTY.leaf_hash(), |place| source.pool_family(place))?;
    Ok(Some(PoolOpening { index, pool, path }))
}

/// The siblings along a leaf's path.
fn path<E>(
    index: u32,
    depth: u8,
    empty: Fr,
    family: impl Fn(Place) -> Result<Option<Family>, E>,
) -> Result<Vec<Siblings>, E> {
    let whole = Tree::new(depth, empty);
    let path = places(index, depth)
        .map(|place| Ok(family(place)?.unwrap_or_else(|| whole.empty_family(place.level))))
        .collect::<Result<Vec<_>, E>>()?;
    Ok(siblings(index, &path))
}

/// The children along a path without those on it.
fn siblings(index: u32, path: &[[Fr; ARITY]]) -> Vec<Siblings> {
    // No tree has more levels than there are: MAX_DEPTH is below 255.
    let depth = path.len() as u8;
    path.iter()
        .zip(positions(index, depth))
        .map(|(children, own)| std::array::from_fn(|i| Element::from(children[i + usize::from(i >= own)])))
        .collect()
}
