//! [`View::check`]: everything that a store keeps, against the state root and the statements of its batches.

use ark_bn254::Fr;
use rayon::prelude::*;
use redb::ReadableTableMetadata;
use tapstone_circuits::account::Account;
use tapstone_circuits::data::{BatchData, data_hash};
use tapstone_circuits::ledger::{Before, Head};
use tapstone_circuits::pool::Pool;
use tapstone_circuits::tree::{Place, Tree};
use tapstone_prover::ProvenFile;
use tapstone_verifier::{Element, Statement};

use super::{View, guarded, of_nodes, open_table};
use crate::store::{BATCHES, Batch, DATA, StoreError, UNDO, codec};

/// Accounts that are hashed together while all are read.
const CHUNK: usize = 8192;
/// Batches that are.
const BATCH_CHUNK: usize = 64;

/// A tree with what a store should keep of it.
struct Trunk {
    name: &'static str,
    leaves: Vec<Fr>,
    depth: u8,
    empty: Fr,
    root: Fr,
}

/// A batch with what shows that it belongs where it is.
struct Link {
    number: u64,
    batch: Batch,
    before: Option<Before>,
}

impl View {
    /// Reads everything and compares it: accounts, pools and nodes with the state root, batches with each
    /// other, with their published data, and the last with the state. Hashes each node once, on all cores.
    /// `done` hears of accounts read.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] says what is not as it should be.
    pub fn check(&self, done: impl Fn(u64)) -> Result<(), StoreError> {
        let mut leaves: Vec<Fr> = Vec::new();
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut take = |chunk: &mut Vec<Account>| {
            done(chunk.len() as u64);
            leaves.par_extend(chunk.par_drain(..).map(|account| account.leaf_hash()));
        };
        for account in self.accounts()? {
            chunk.push(account?);
            if chunk.len() == CHUNK {
                take(&mut chunk);
            }
        }
        take(&mut chunk);
        let pools: Vec<Fr> = self.pools()?.map(|pool| Ok(pool?.leaf_hash())).collect::<Result<_, StoreError>>()?;
        let Head { account_depth, pool_depth, summary, .. } = self.head;
        let (account_empty, pool_empty) = (Account::EMPTY.leaf_hash(), Pool::EMPTY.leaf_hash());
        self.check_tree(
            &self.account_nodes,
            Trunk { name: "accounts", leaves, depth: account_depth, empty: account_empty, root: summary.account_root },
        )?;
        self.check_tree(
            &self.pool_nodes,
            Trunk { name: "pools", leaves: pools, depth: pool_depth, empty: pool_empty, root: summary.pool_root },
        )?;
        self.check_batches()
    }

    fn check_tree(&self, nodes: &redb::ReadOnlyTable<u64, &'static [u8]>, trunk: Trunk) -> Result<(), StoreError> {
        let Trunk { name, leaves, depth, empty, root } = trunk;
        let tree = Tree::from_leaves(depth, empty, leaves);
        if tree.root() != root {
            return Err(self.damaged(format!("the {name} do not have the root of their tree")));
        }
        let mut found = 0;
        for (place, family) in tree.families() {
            if self.family(name, nodes, place)?.as_ref() != Some(family) {
                return Err(self.damaged(of_nodes(name, place)));
            }
            found += 1;
        }
        // Nodes over empty leaves alone may be left of batches that were undone.
        let all = guarded(&self.path, || nodes.len().map_err(|e| StoreError::from(e).at(&self.path)))?;
        if all > found {
            for row in self.rows(nodes)? {
                let (key, bytes) = row?;
                // The level is above the index, by node_key.
                let place = Place { level: (key >> 32) as u8, parent: key as u32 };
                let known = key >> 32 < u64::from(tree.depth()) && codec::read_family(&bytes) == Some(tree.family(place));
                if !known {
                    return Err(self.damaged(of_nodes(name, place)));
                }
            }
        }
        Ok(())
    }

    /// The numbers that a table of batches has.
    fn numbers(&self, table: redb::TableDefinition<'_, u64, &'static [u8]>) -> Result<Vec<u64>, StoreError> {
        let table = open_table(&self.path, &self.transaction, table)?;
        self.rows(&table)?.map(|row| row.map(|(number, _)| number)).collect()
    }

    fn check_batches(&self) -> Result<(), StoreError> {
        let numbers = self.numbers(BATCHES)?;
        let last = self.head.summary.batch_number;
        let first = numbers.first().copied().unwrap_or(last + 1);
        if !(first..=last).eq(numbers.iter().copied()) {
            return Err(self.damaged(format!("its batches are not those up to batch {last}")));
        }
        if self.numbers(DATA)? != numbers {
            return Err(self.damaged("not every batch has its published data".into()));
        }
        // Of the last ones, and of fewer after some were undone.
        if !numbers.ends_with(&self.numbers(UNDO)?) {
            return Err(self.damaged("what batches replaced is not kept of those that it should be of".into()));
        }
        // What the batch before leads to.
        let mut root: Option<Element> = None;
        for chunk in numbers.chunks(BATCH_CHUNK) {
            let read = |number: &u64| {
                let missing = || self.damaged(format!("batch {number}"));
                let (number, batch) = (*number, self.batch(*number)?.ok_or_else(missing)?);
                Ok(Link { number, batch, before: self.before(number)? })
            };
            let links: Vec<Link> = chunk.iter().map(read).collect::<Result<_, StoreError>>()?;
            let statements: Vec<_> = links.par_iter().map(|link| self.check_batch(link)).collect::<Result<_, _>>()?;
            for (link, statement) in links.iter().zip(statements) {
                let before = link.before.as_ref().map(|before| Element::from(before.head.state_root()));
                let starts = [before, statement.map(|statement| statement.pre_state_root), root];
                let mut known = starts.into_iter().flatten();
                if let Some(one) = known.next()
                    && known.any(|other| other != one)
                {
                    return Err(self.damaged(format!("batch {} does not start where it should", link.number)));
                }
                root = statement.map(|statement| statement.post_state_root);
            }
        }
        if root.is_some_and(|root| root != Element::from(self.head.state_root())) {
            return Err(self.damaged(format!("batch {last} does not lead to its state")));
        }
        Ok(())
    }

    /// Whether a batch is what it says; what was proven of it.
    fn check_batch(&self, link: &Link) -> Result<Option<Statement>, StoreError> {
        let Link { number, batch, before } = link;
        let (chain_id, number) = (self.head.chain_id, *number);
        let wrong = |what: &str| self.damaged(format!("batch {number}: {what}"));
        let data = BatchData::decode(&batch.data).map_err(|e| wrong(&format!("its published data: {e}")))?;
        if (data.chain_id, data.batch_number) != (chain_id, number) {
            return Err(wrong("its published data are of another"));
        }
        if before.as_ref().is_some_and(|b| (b.head.chain_id, b.head.summary.batch_number + 1) != (chain_id, number)) {
            return Err(wrong("what it replaced is of another"));
        }
        let Some(text) = &batch.proven else { return Ok(None) };
        let statement = *ProvenFile::parse(text).map_err(|e| wrong(&format!("its proof: {e}")))?.statement();
        if (statement.chain_id, statement.batch_number) != (chain_id, number) {
            return Err(wrong("its proof is of another"));
        }
        if statement.data_hash != Element::from(data_hash(data.operator, &data.transactions)) {
            return Err(wrong("its published data are not those that were proven"));
        }
        Ok(Some(statement))
    }
}
