import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused } from '../src/index.js';
import { bundle, cut, finish, market, refused, transfer, withdraw } from '../testing/market.js';

const indices = (s, closed) => closed.map((b) => b.slots.filter((tx) => tx !== null).length);

test('a bundle moves to the next batch as a whole', () => {
  const s = market(); // four singles: slots 0, 1, 3, 4 of SSPSSPSSPSSPSSP
  for (let i = 0; i < 3; i++) s.push(bundle(s, [transfer(s, 'alice', 'bob', 1, 1n)])); // slots 5, 8 and 11
  s.push(bundle(s, [transfer(s, 'alice', 'bob', 1, 2n), transfer(s, 'bob', 'alice', 1, 1n)]));
  assert.deepEqual(indices(s, finish(s)), [7, 2]);
});

test('a bundle with a fee token too many moves as a whole', () => {
  const s = market();
  for (const token of [10, 11, 12]) s.deposit('alice', token, 100n);
  const pay = (token) => transfer(s, 'alice', 'bob', 1, 1n, { fee_token: token, fee: 1n });
  s.push(bundle(s, [pay(1)]));
  cut(s);
  s.push(bundle(s, [pay(10)]));
  s.push(bundle(s, [pay(11)]));
  s.push(bundle(s, [pay(12), pay(2)]));
  assert.deepEqual(indices(s, finish(s)), [8, 2, 2]);
});

test('a bundle that no batch holds is refused, and closes none', () => {
  const s = market('tiny');
  const singles = [1n, 2n, 3n].map((amount) => withdraw(s, 'alice', 1, amount));
  refused(s, bundle(s, singles), /does not fit/);
  const tokens = [1, 2, 3].map((token) => transfer(s, 'alice', 'bob', 1, 1n, { fee_token: token, fee: 1n }));
  refused(s, bundle(s, tokens), /does not fit/);
  assert.throws(() => s.push(bundle(s, singles)), Refused);
  s.push(bundle(s, singles.slice(0, 2)));
  finish(s);
});
