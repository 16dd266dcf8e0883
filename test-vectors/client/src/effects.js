// Section 6: the rules of the signed kinds.
//
// Each gives what the signer pays and gets, in order, and what happens elsewhere once the signer's leaf is written.
// Whatever has been left out is empty. `batch` is the batch in the making (ledger.js).

import { LP_BASE, isOrdinary, lpToken } from './account.js';
import { isValidKey, samePoint } from './keys.js';
import * as pools from './pool.js';
import { need } from './refused.js';

function payment({ token, amount }) {
  need(amount >= 1n, 'amount is at least 1');
  need(token !== 0, 'no token');
  return [[token, amount]];
}

export const EFFECTS = {
  transfer(batch, tx) {
    const debits = payment(tx);
    need(tx.from !== tx.to, 'sender and recipient are the same');
    need(samePoint(batch.account(tx.to), tx.to_key), 'the recipient has another key');
    return { debits, effect: () => batch.creditForeign(tx.to, tx.token, tx.amount) };
  },

  transfer_new(batch, tx) {
    const debits = payment(tx);
    return { debits, effect: () => batch.createAccount(tx.to_key, tx.token, tx.amount) };
  },

  swap(batch, tx) {
    const pool = batch.pool(tx.pool);
    need(tx.direction === 0 || tx.direction === 1, 'direction is 0 or 1');
    need(tx.amount_in >= 1n, 'amount is at least 1');
    const { out, pool: after } = pools.swap(pool, tx.direction, tx.amount_in);
    need(out >= 1n && out >= tx.min_out, `the swap would give ${out}`);
    const [tokenIn, tokenOut] = tx.direction === 0 ? [pool.token0, pool.token1] : [pool.token1, pool.token0];
    return {
      debits: [[tokenIn, tx.amount_in]],
      credits: [[tokenOut, out]],
      effect: () => batch.setPool(tx.pool, after),
    };
  },

  create_pool(batch, tx) {
    const { token0, token1, fee_bp: fee, amount0, amount1 } = tx;
    need(1 <= token0 && token0 < token1 && token1 < LP_BASE, 'tokens of a pool are ordinary and increasing');
    need(fee < 10_000, 'the fee is below 10000 basis points');
    need(amount0 >= 1n && amount1 >= 1n, 'amounts are at least 1');
    const { pool, shares } = pools.createPool({ token0, token1, fee, amount0, amount1 });
    const index = batch.state.nextPool;
    need(index < batch.state.poolCapacity, 'no room for another pool');
    return {
      debits: [[token0, amount0], [token1, amount1]],
      credits: [[lpToken(index), shares]],
      effect: () => batch.createPool(pool),
    };
  },

  add_liquidity(batch, tx) {
    const pool = batch.pool(tx.pool);
    need(tx.max0 >= 1n && tx.max1 >= 1n, 'amounts are at least 1');
    const { shares, amount0, amount1, pool: after } = pools.addLiquidity(pool, tx.max0, tx.max1);
    need(shares >= 1n && shares >= tx.min_shares, `the deposit would give ${shares} shares`);
    return {
      debits: [[pool.token0, amount0], [pool.token1, amount1]],
      credits: [[lpToken(tx.pool), shares]],
      effect: () => batch.setPool(tx.pool, after),
    };
  },

  remove_liquidity(batch, tx) {
    const pool = batch.pool(tx.pool);
    need(tx.shares >= 1n, 'shares are at least 1');
    const { out0, out1, pool: after } = pools.removeLiquidity(pool, tx.shares);
    need(out0 >= 1n && out1 >= 1n && out0 >= tx.min0 && out1 >= tx.min1, `the shares would give ${out0}, ${out1}`);
    return {
      debits: [[lpToken(tx.pool), tx.shares]],
      credits: [[pool.token0, out0], [pool.token1, out1]],
      effect: () => batch.setPool(tx.pool, after),
    };
  },

  change_key(batch, tx) {
    need(isValidKey(tx.key), 'the key is not valid');
    return { effect: () => batch.setKey(tx.account, tx.key) };
  },

  withdraw(batch, { account, token, amount, destination }) {
    need(isOrdinary(token), 'the token is not ordinary');
    need(amount >= 1n, 'amount is at least 1');
    return {
      debits: [[token, amount]],
      effect: () => batch.withdrawals.push({ account, token, amount, destination, refund: false }),
    };
  },
};
