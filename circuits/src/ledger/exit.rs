//! Proofs of accounts and pools against the state root (PROTOCOL.md, section 13); `tapstone_verifier::exit` verifies them.

use ark_bn254::Fr;
use tapstone_verifier::Element;
use tapstone_verifier::exit::{
    AccountFormat, AccountLeaf, AccountProof, PoolFormat, PoolLeaf, PoolOpening, PoolProof, Siblings, StateFields,
};

use super::Ledger;
use crate::pool::Pool;
use crate::tree::{ARITY, positions};

impl Ledger {
    /// What the state root covers.
    pub fn state_fields(&self) -> StateFields {
        let summary = self.summary();
        StateFields {
            chain_id: self.chain_id(),
            batch_number: summary.batch_number,
            account_depth: self.account_depth(),
            pool_depth: self.pool_depth(),
            next_account: summary.next_account,
            next_pool: summary.next_pool,
            deposit_count: summary.deposit_count,
            account_root: summary.account_root.into(),
            pool_root: summary.pool_root.into(),
            deposit_head: summary.deposit_head.into(),
        }
    }

    /// The proof of what an account holds, LP shares with their pools included; `None` if there is no such account.
    pub fn prove_account(&self, index: u32) -> Option<AccountProof> {
        let account = self.account(index)?;
        // The ledger makes accounts with a key only.
        let key = account.key?.to_bytes();
        let leaf = AccountLeaf { key, nonce: account.nonce, tokens: account.tokens, balances: account.balances };
        let path = siblings(index, &self.account_tree.path(index));
        // Nobody holds shares of a pool that does not exist.
        let pools = leaf.shares().map(|(pool, _)| self.open_pool(pool)).collect::<Option<_>>()?;
        Some(AccountProof { format: AccountFormat, state: self.state_fields(), index, account: leaf, path, pools })
    }

    /// The proof of a pool's reserves and supply; `None` if there is no such pool.
    pub fn prove_pool(&self, index: u32) -> Option<PoolProof> {
        let opening = self.open_pool(index)?;
        Some(PoolProof { format: PoolFormat, state: self.state_fields(), opening })
    }

    fn open_pool(&self, index: u32) -> Option<PoolOpening> {
        let Pool { token0, token1, fee_bp, reserve0, reserve1, supply } = *self.pool(index)?;
        let pool = PoolLeaf {
            token0: token0.get(),
            token1: token1.get(),
            fee_bp,
            reserve0: reserve0.get(),
            reserve1: reserve1.get(),
            supply: supply.get(),
        };
        Some(PoolOpening { index, pool, path: siblings(index, &self.pool_tree.path(index)) })
    }
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
