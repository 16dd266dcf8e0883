// Leaves and empty roots.

import { accountLeaf, credit, newAccount } from '../src/account.js';
import { elementToHex } from '../src/field.js';
import { B8 } from '../src/keys.js';
import { poolLeaf } from '../src/pool.js';
import { shapeOf } from '../src/shapes.js';
import { State } from '../src/state.js';

export function leafVectors() {
  const key = { x: B8.x, y: B8.y };
  let account = newAccount(key);
  const accounts = [['new account without a balance', account]];
  account = credit(account, 1, 5n);
  accounts.push(['native balance only', account]);
  for (let i = 0; i < 7; i++) account = credit(account, 2 ** 29 - 1 - i, 2n ** 96n - 1n - BigInt(i));
  accounts.push(['all slots taken', { ...account, nonce: 2n ** 64n - 1n }]);
  const pools = [
    { token0: 0, token1: 0, fee: 0, reserve0: 0n, reserve1: 0n, supply: 0n },
    { token0: 1, token1: 2 ** 29 - 1, fee: 9999, reserve0: 2n ** 96n - 1n, reserve1: 1n, supply: 2n ** 96n - 1n },
  ];
  const plain = (object) =>
    Object.fromEntries(Object.entries(object).map(([k, v]) => [k, typeof v === 'bigint' ? v.toString() : v]));
  return {
    accounts: accounts.map(([what, a]) => ({
      what,
      x: elementToHex(a.x),
      y: elementToHex(a.y),
      nonce: a.nonce.toString(),
      tokens: a.tokens,
      balances: a.balances.map(String),
      leaf: elementToHex(accountLeaf(a)),
    })),
    pools: pools.map((p) => ({ ...plain(p), leaf: elementToHex(poolLeaf(p)) })),
    genesis: ['tiny', 'small'].map((shape) => {
      const state = State.genesis(shapeOf(shape), 3);
      return {
        shape,
        chain_id: 3,
        account_root: elementToHex(state.accountRoot()),
        pool_root: elementToHex(state.poolRoot()),
        root: elementToHex(state.root()),
      };
    }),
  };
}
