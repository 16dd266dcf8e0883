// Section 4, pool leaf; section 6, the arithmetic of pools.

import { isqrt, pack } from './field.js';
import { hash } from './poseidon.js';
import { need } from './refused.js';
import { MAX_AMOUNT } from './account.js';

const BASIS = 10_000n;
export const LOCKED_SHARES = 1000n;

export const EMPTY_POOL = Object.freeze({ token0: 0, token1: 0, fee: 0, reserve0: 0n, reserve1: 0n, supply: 0n });

export function poolLeaf({ token0, token1, fee, reserve0, reserve1, supply }) {
  return hash.poolLeaf(
    pack([token0, 0, 30], [token1, 30, 30], [fee, 60, 14]),
    pack([reserve0, 0, 96], [reserve1, 126, 96]),
    supply,
  );
}

const ceilDiv = (n, d) => (n + d - 1n) / d;
const min = (a, b) => (a < b ? a : b);

export function createPool({ token0, token1, fee, amount0, amount1 }) {
  const supply = isqrt(amount0 * amount1);
  need(supply >= LOCKED_SHARES + 1n, 'a new pool has at least 1001 shares');
  return {
    pool: Object.freeze({ token0, token1, fee, reserve0: amount0, reserve1: amount1, supply }),
    shares: supply - LOCKED_SHARES,
  };
}

/** Output of a swap and the pool after it. Direction 0 sells token0, direction 1 sells token1. */
export function swap(pool, direction, amountIn) {
  const [reserveIn, reserveOut] = direction === 0 ? [pool.reserve0, pool.reserve1] : [pool.reserve1, pool.reserve0];
  const g = amountIn * (BASIS - BigInt(pool.fee));
  const out = (g * reserveOut) / (BASIS * reserveIn + g);
  need(reserveIn + amountIn <= MAX_AMOUNT, 'reserve would reach 2^96');
  const [newIn, newOut] = [reserveIn + amountIn, reserveOut - out];
  const reserves = direction === 0 ? { reserve0: newIn, reserve1: newOut } : { reserve0: newOut, reserve1: newIn };
  return { out, pool: Object.freeze({ ...pool, ...reserves }) };
}

export function addLiquidity(pool, max0, max1) {
  const { reserve0, reserve1, supply } = pool;
  const shares = min((max0 * supply) / reserve0, (max1 * supply) / reserve1);
  const amount0 = ceilDiv(shares * reserve0, supply);
  const amount1 = ceilDiv(shares * reserve1, supply);
  need(reserve0 + amount0 <= MAX_AMOUNT && reserve1 + amount1 <= MAX_AMOUNT, 'reserve would reach 2^96');
  need(supply + shares <= MAX_AMOUNT, 'supply would reach 2^96');
  return {
    shares,
    amount0,
    amount1,
    pool: Object.freeze({
      ...pool,
      reserve0: reserve0 + amount0,
      reserve1: reserve1 + amount1,
      supply: supply + shares,
    }),
  };
}

export function removeLiquidity(pool, shares) {
  const { reserve0, reserve1, supply } = pool;
  need(shares <= supply, 'more shares than there are');
  const out0 = (shares * reserve0) / supply;
  const out1 = (shares * reserve1) / supply;
  return {
    out0,
    out1,
    pool: Object.freeze({ ...pool, reserve0: reserve0 - out0, reserve1: reserve1 - out1, supply: supply - shares }),
  };
}
