// Section 4: the state and its root.

import { pack } from './field.js';
import { hash } from './poseidon.js';
import { EMPTY_ACCOUNT, accountLeaf } from './account.js';
import { EMPTY_POOL, poolLeaf } from './pool.js';
import { treeRoot } from './tree.js';

const mapValues = (map, f) => new Map([...map].map(([key, value]) => [key, f(value)]));

export class State {
  static genesis({ account_depth, pool_depth }, chainId) {
    return Object.assign(new State(), {
      accountDepth: account_depth,
      poolDepth: pool_depth,
      chainId,
      batchNumber: 0,
      nextAccount: 0,
      nextPool: 0,
      depositCount: 0,
      depositHead: 0n,
      accounts: new Map(),
      pools: new Map(),
    });
  }

  /** A copy that can be changed without changing this one. Accounts and pools themselves are frozen. */
  copy() {
    return Object.assign(new State(), this, { accounts: new Map(this.accounts), pools: new Map(this.pools) });
  }

  get accountCapacity() {
    return 8 ** this.accountDepth;
  }

  get poolCapacity() {
    return 8 ** this.poolDepth;
  }

  accountRoot() {
    return treeRoot(this.accountDepth, mapValues(this.accounts, accountLeaf), accountLeaf(EMPTY_ACCOUNT));
  }

  poolRoot() {
    return treeRoot(this.poolDepth, mapValues(this.pools, poolLeaf), poolLeaf(EMPTY_POOL));
  }

  root() {
    const counters = pack([this.nextAccount, 0, 32], [this.nextPool, 32, 32], [this.depositCount, 64, 48]);
    const meta = pack(
      [this.chainId, 0, 32],
      [this.batchNumber, 32, 48],
      [this.accountDepth, 80, 8],
      [this.poolDepth, 88, 8],
    );
    return hash.stateRoot(this.accountRoot(), this.poolRoot(), this.depositHead, counters, meta);
  }
}
