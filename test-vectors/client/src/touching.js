// Section 11: what a batch touches.

import { isValidKey } from './keys.js';
import { isSigned, signerOf } from './transactions.js';

const ARITY = 8;

/** The nodes above a leaf, each under a name of its own: `tree` is the name of the tree. */
export function nodesAbove(tree, depth, leaf) {
  const node = (level) => `${tree} ${level} ${Math.floor(leaf / ARITY ** level)}`;
  return Array.from({ length: depth }, (_, i) => node(i + 1));
}

/** Accounts that a transaction names, whether they exist or not. */
function accountsNamed(tx) {
  if (tx.kind === 'transfer') return [tx.from, tx.to];
  if (tx.kind === 'deposit') return [tx.account];
  return isSigned(tx) ? [signerOf(tx)] : [];
}

const poolsNamed = (tx) => (tx.pool === undefined ? [] : [tx.pool]);

const makesAccount = (tx) => tx.kind === 'transfer_new' || (tx.kind === 'deposit_new' && isValidKey(tx.key));
const makesPool = (tx) => tx.kind === 'create_pool';

/** The leaf that is made, in a list of its own: empty if none is, or if the tree has no room for another. */
const made = (makes, next, depth) => (makes && next < ARITY ** depth ? [next] : []);

/** The counters by which accounts and pools exist. */
export const countersOf = ({ nextAccount, nextPool }) => ({ nextAccount, nextPool });

/**
 * The accounts, pools, nodes and fee tokens that a transaction touches whose turn comes at these counters, some perhaps
 * twice, and the counters after it.
 */
export function touchedBy(tx, { account_depth, pool_depth }, { nextAccount, nextPool }) {
  const newAccounts = made(makesAccount(tx), nextAccount, account_depth);
  const newPools = made(makesPool(tx), nextPool, pool_depth);
  const accounts = [...accountsNamed(tx).filter((index) => index < nextAccount), ...newAccounts];
  const pools = [...poolsNamed(tx).filter((index) => index < nextPool), ...newPools];
  return {
    touched: { ...leavesAndNodes({ account_depth, pool_depth }, accounts, pools), fee_tokens: feeTokens(tx) },
    counters: { nextAccount: nextAccount + newAccounts.length, nextPool: nextPool + newPools.length },
  };
}

/** What a batch touches before its first transaction. */
export function touchedByOperator(operator, shape) {
  const accounts = operator < ARITY ** shape.account_depth ? [operator] : [];
  return { ...leavesAndNodes(shape, accounts, []), fee_tokens: [] };
}

function leavesAndNodes({ account_depth, pool_depth }, accounts, pools) {
  const nodes = [
    ...accounts.flatMap((index) => nodesAbove('accounts', account_depth, index)),
    ...pools.flatMap((index) => nodesAbove('pools', pool_depth, index)),
  ];
  return { accounts, pools, nodes };
}

const feeTokens = (tx) => (isSigned(tx) && tx.fee_token !== 0 ? [tx.fee_token] : []);
