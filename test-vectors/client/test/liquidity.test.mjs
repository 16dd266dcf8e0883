import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addLiquidity, lpToken, removeLiquidity } from '../src/index.js';
import { bundle, cut, finish, market, refused, transfer } from '../testing/market.js';

const remove = (s, name, pool, shares, min0 = 0n, min1 = 0n, more = {}) =>
  bundle(s, [[name, { kind: 'remove_liquidity', account: s.index(name), pool, shares, min0, min1, ...more }]]);

function pooled(amount0 = 500_000n, amount1 = 2_000_000n) {
  const s = market();
  return [s, s.createPool('alice', 1, 2, 30, amount0, amount1)];
}

test('all that circulates comes back but for the locked shares', () => {
  const [s, pool] = pooled();
  assert.equal(s.balance('alice', lpToken(pool)), 999_000n);
  s.push(remove(s, 'alice', pool, 999_000n, 499_500n, 1_998_000n));
  assert.equal(s.balance('alice', lpToken(pool)), 0n);
  assert.equal(s.balance('alice', 1), 999_500n);
  const { reserve0, reserve1, supply } = s.state.pools.get(pool);
  assert.deepEqual([reserve0, reserve1, supply], [500n, 2_000n, 1000n]);
  refused(s, remove(s, 'alice', pool, 1n), /would give 0, 2$/);
  s.addLiquidity('alice', pool, 5_000n, 20_000n);
  assert.equal(s.balance('alice', lpToken(pool)), 10_000n);
  finish(s);
});

test('bounds hold to the unit', () => {
  const [s, pool] = pooled(333_333n, 777_777n);
  const { out0, out1 } = removeLiquidity(s.state.pools.get(pool), 123_457n);
  refused(s, remove(s, 'alice', pool, 123_457n, out0 + 1n, out1), /would give/);
  refused(s, remove(s, 'alice', pool, 123_457n, out0, out1 + 1n), /would give/);
  s.push(remove(s, 'alice', pool, 123_457n, out0, out1));
  finish(s);
});

test('what is taken out is rounded down', () => {
  const [s, pool] = pooled(333_333n, 777_777n);
  const before = s.state.pools.get(pool);
  s.push(remove(s, 'alice', pool, 7_777n));
  const after = s.state.pools.get(pool);
  for (const side of ['reserve0', 'reserve1']) assert.ok(after[side] * before.supply >= before[side] * after.supply);
  finish(s);
});

test('shares are at least one and at most what the account holds', () => {
  const [s, pool] = pooled();
  refused(s, remove(s, 'alice', pool, 0n), /at least 1/);
  refused(s, remove(s, 'alice', pool, 999_001n), /balance/);
  refused(s, remove(s, 'alice', pool, 1_000_001n), /more shares/);
  refused(s, remove(s, 'bob', pool, 1_000n), /balance/);
  refused(s, remove(s, 'alice', pool, 999_000n, 0n, 0n, { fee_token: lpToken(pool), fee: 1n }), /balance/);
  s.push(remove(s, 'alice', pool, 998_999n, 0n, 0n, { fee_token: lpToken(pool), fee: 1n }));
  finish(s);
});

test('something comes out on either side', () => {
  const [s, pool] = pooled(1_000n, 4_000_000n); // 63 shares to a unit of token 1
  refused(s, remove(s, 'alice', pool, 63n), /would give 0, 3984/);
  s.push(remove(s, 'alice', pool, 64n));
  const [t, other] = pooled(1_000_000n, 4n); // 2000 shares, 500 to a unit of token 2
  refused(t, remove(t, 'alice', other, 499n), /would give 249500, 0/);
  t.push(remove(t, 'alice', other, 500n));
  finish(t);
});

test('a pool has to exist', () => {
  const [s, pool] = pooled();
  refused(s, remove(s, 'alice', pool + 1, 5n), /does not exist/);
});

test('shares that were transferred are redeemed by their holder', () => {
  const [s, pool] = pooled();
  s.push(bundle(s, [transfer(s, 'alice', 'bob', lpToken(pool), 10_000n, { fee_token: lpToken(pool), fee: 5n })]));
  s.push(remove(s, 'bob', pool, 10_000n, 5_000n, 20_000n));
  assert.equal(s.balance('bob', 1), 5_000n);
  cut(s);
  assert.equal(s.balance('operator', lpToken(pool)), 5n);
  s.push(remove(s, 'operator', pool, 5n, 2n, 10n));
  finish(s);
});

test('the credits may take the slot that the shares leave', () => {
  const [s, pool] = pooled();
  s.push(bundle(s, [transfer(s, 'alice', 'bob', lpToken(pool), 10_000n)]));
  s.push(bundle(s, [transfer(s, 'bob', 'alice', 2, 5_000_000n)])); // bob holds nothing but shares, in slot 2
  s.push(remove(s, 'bob', pool, 10_000n));
  assert.deepEqual(s.account('bob').tokens, [0, 2, 0, 0, 0, 0, 0, 0]);
  finish(s);
});

test('an addition keeps its bounds', () => {
  const [s, pool] = pooled();
  const { shares } = addLiquidity(s.state.pools.get(pool), 1_001n, 9_999n);
  const add = (max0, max1, min_shares) =>
    bundle(s, [['alice', { kind: 'add_liquidity', account: s.index('alice'), pool, max0, max1, min_shares }]]);
  refused(s, add(1_001n, 9_999n, shares + 1n), /would give/);
  refused(s, add(0n, 9_999n, 0n), /at least 1/);
  refused(s, add(1_001n, 1n, 0n), /would give 0/);
  s.push(add(1_001n, 9_999n, shares));
  finish(s);
});
