// Section 7: the state from the published data alone.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Batch, OperatorBatch, Refused, State, elementToHex, publicInput, replay, shapeOf } from '../src/index.js';
import { bundle, cut, deposit, depositNew, finish, market, newKey, transfer, withdraw } from '../testing/market.js';

const folder = new URL('../../batches/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.expected.json'));

for (const name of names) {
  test(`${name}: every batch from its bytes`, () => {
    const expected = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    let state = State.genesis(shapeOf(expected.shape), expected.chain_id);
    for (const batch of expected.batches) {
      const rebuilt = replay(state, Buffer.from(batch.data_hex, 'hex'));
      const statement = rebuilt.statement();
      state = rebuilt.state;
      assert.equal(elementToHex(statement.preStateRoot), batch.pre_state_root);
      assert.equal(elementToHex(statement.postStateRoot), batch.post_state_root);
      assert.equal(elementToHex(statement.dataHash), batch.data_hash);
      assert.equal(elementToHex(statement.depositHead), batch.deposit_head);
      assert.equal(elementToHex(statement.withdrawalsRoot), batch.withdrawals_root);
      assert.equal(elementToHex(publicInput(statement)), batch.public_input);
      assert.equal(state.depositCount, batch.deposit_count);
    }
  });
}

const refuses = (s, data, rule) =>
  assert.throws(() => replay(s.genesis, data), (error) => error instanceof Refused && rule.test(error.message));

/** The data of the market with one more published transaction. */
function withTransaction(tx) {
  const s = market();
  cut(s);
  const batch = new Batch(s.genesis, 0);
  batch.transactions = [...s.sequencer.closed[0].transactions, tx];
  batch.state.depositHead = s.state.depositHead;
  return [s, batch.data()];
}

const none = { fee_token: 0, fee: 0n };

test('what depends on the state is refused when it is rebuilt', () => {
  const cases = [
    [{ kind: 'transfer', from: 7, to: 1, token: 1, amount: 5n, ...none }, /does not exist/],
    [{ kind: 'transfer', from: 1, to: 7, token: 1, amount: 5n, ...none }, /does not exist/],
    [{ kind: 'transfer', from: 1, to: 1, token: 1, amount: 5n, ...none }, /same/],
    [{ kind: 'transfer', from: 1, to: 2, token: 1, amount: 0n, ...none }, /at least 1/],
    [{ kind: 'transfer', from: 1, to: 2, token: 0, amount: 5n, ...none }, /no token/],
    [{ kind: 'transfer', from: 1, to: 2, token: 1, amount: 1_000_001n, ...none }, /balance/],
    [{ kind: 'transfer', from: 1, to: 2, token: 1, amount: 5n, fee_token: 0, fee: 1n }, /fee/],
    [{ kind: 'swap', account: 1, pool: 0, direction: 0, amount_in: 5n, ...none }, /does not exist/],
    [{ kind: 'remove_liquidity', account: 1, pool: 0, shares: 5n, ...none }, /does not exist/],
    [{ kind: 'withdraw', account: 1, token: 2 ** 29, amount: 5n, destination: Buffer.alloc(32), ...none }, /ordinary/],
    [{ kind: 'change_key', account: 1, key: { x: 0n, y: 1n }, ...none }, /not valid/],
    [{ kind: 'deposit', account: 7, token: 1, amount: 5n }, /is refunded/],
    [{ kind: 'deposit_new', key: { x: 0n, y: 1n }, token: 1, amount: 5n }, /is refunded/],
    [{ kind: 'deposit', account: 1, token: 2 ** 29, amount: 5n }, /bridge/],
    [{ kind: 'refund', account: 1, token: 1, amount: 5n, destination: Buffer.alloc(32) }, /not refunded/],
  ];
  for (const [tx, rule] of cases) refuses(...withTransaction(tx), rule);
});

test('data belongs to its chain and to the next batch', () => {
  const s = market();
  const [{ data }] = finish(s);
  for (const [at, value] of [[1, 4], [2, 2]]) {
    const wrong = Buffer.from(data);
    wrong[at] = value;
    refuses(s, wrong, /another batch/);
  }
  assert.throws(() => replay(s.state, data), /another batch/);
});

test('the head of the queue stays where a batch has no deposit', () => {
  const s = market();
  cut(s);
  const { depositHead } = s.state;
  s.push(bundle(s, [withdraw(s, 'bob', 2, 5n)]));
  const [first, second] = finish(s);
  assert.equal(second.statement.depositHead, depositHead);
  assert.ok(second.data.length < first.data.length);
});

test('the policy of an operator is no rule for others', () => {
  const s = market();
  cut(s);
  const index = s.state.nextAccount; // an operator whose account is made after the first fee
  const txs = [
    ...bundle(s, [transfer(s, 'alice', 'bob', 1, 5n, { fee_token: 1, fee: 9n })]),
    depositNew(s, newKey('late'), 1, 5n),
    deposit(s, 1, 1, 1n),
  ];
  assert.throws(() => new OperatorBatch(s.state, index).attempt([txs[0]]), Refused);
  const batch = new Batch(s.state, index);
  for (const tx of txs) batch.attempt([tx]);
  batch.finish();
  assert.equal(batch.state.accounts.get(index).balances[0], 14n);
  assert.deepEqual(replay(s.state, batch.data()).statement(), batch.statement());
});
