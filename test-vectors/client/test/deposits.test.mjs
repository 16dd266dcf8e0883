import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_AMOUNT, OPERATOR, Refused, Sequencer, State, depositStep, replay, shapeOf, withdrawalsStart } from '../src/index.js';
import { IDENTITY, ORDER_2, ORDER_4, besides } from '../stories/invalid-keys.js';
import {
  DEST,
  bundle,
  cut,
  deposit,
  depositNew,
  finish,
  market,
  newKey,
  refused,
  transfer,
  withdraw,
} from '../testing/market.js';

/** The deposit is refunded: the state is as before but for the queue. */
function refunded(s, tx) {
  const before = s.state;
  const count = s.sequencer.open?.batch.withdrawals.length ?? 0;
  s.push([tx]);
  const { batch } = s.sequencer.open;
  const after = s.state;
  assert.equal(after.depositCount, before.depositCount + 1);
  assert.equal(after.depositHead, depositStep(before.depositHead, before.depositCount, tx));
  assert.deepEqual([...after.accounts], [...before.accounts]);
  assert.equal(after.nextAccount, before.nextAccount);
  const account = tx.kind === 'deposit' ? tx.account : 0;
  const { token, amount } = tx;
  assert.equal(batch.transactions.at(-1).kind, 'refund');
  assert.equal(batch.withdrawals.length, count + 1);
  assert.deepEqual(batch.withdrawals.at(-1), { account, token, amount, destination: DEST, refund: true });
}

function credited(s, tx) {
  s.push([tx]);
  assert.equal(s.sequencer.open.batch.transactions.at(-1), tx);
}

test('an account that does not exist', () => {
  const s = market();
  for (const account of [3, 900, 8 ** 4, 8 ** 4 + 5]) refunded(s, deposit(s, account, 1, 5n));
  finish(s);
  const t = market('tiny');
  cut(t);
  refunded(t, deposit(t, 8 ** 2 + 5, 2, MAX_AMOUNT));
  refunded(t, deposit(t, 2 ** 30 - 1, 2, 1n));
  finish(t);
});

test('a balance that would reach 2^96', () => {
  const s = market();
  refunded(s, deposit(s, 1, 1, MAX_AMOUNT));
  refunded(s, deposit(s, 1, 1, MAX_AMOUNT + 1n - 1_000_000n));
  credited(s, deposit(s, 1, 1, MAX_AMOUNT - 1_000_000n));
  assert.equal(s.balance('alice', 1), MAX_AMOUNT);
  refunded(s, deposit(s, 1, 1, 1n));
  finish(s);
});

test('a new token with fewer than four empty slots', () => {
  const s = market();
  for (const token of [10, 11, 12]) credited(s, deposit(s, 1, token, 5n)); // four of seven taken
  refunded(s, deposit(s, 1, 13, 5n));
  credited(s, deposit(s, 1, 12, 5n));
  cut(s);
  credited(s, deposit(s, 1, 1, 5n));
  s.push(bundle(s, [withdraw(s, 'alice', 10, 5n)]));
  credited(s, deposit(s, 1, 13, 5n)); // takes the slot that was freed
  assert.deepEqual(s.account('alice').tokens, [0, 2, 13, 11, 12, 0, 0, 0]);
  finish(s);
});

test('a key that is not valid', () => {
  const s = market();
  const keys = [IDENTITY, ORDER_2, ORDER_4, besides(newKey('erin'))];
  for (const key of keys) refunded(s, depositNew(s, key, 1, 546n));
  finish(s);
});

test('a full tree', () => {
  const shape = { ...shapeOf('small'), account_depth: 1, slots: 'S'.repeat(20) };
  const s = market();
  s.sequencer = new Sequencer(shape, State.genesis(shape, 3), 0);
  for (let i = 0; i < 8; i++) credited(s, depositNew(s, newKey(`account ${i}`), 1, 5n));
  refunded(s, depositNew(s, newKey('account 8'), 1, 5n));
  refunded(s, deposit(s, 8, 1, 5n));
  credited(s, deposit(s, 7, 1, 5n));
});

test('what a bridge never queues is refused, not refunded', () => {
  const s = market();
  refused(s, [deposit(s, 1, 0, 5n)], /bridge/);
  refused(s, [deposit(s, 1, 2 ** 29, 5n)], /bridge/);
  refused(s, [deposit(s, 1, 1, 0n)], /bridge/);
  refused(s, [depositNew(s, newKey('erin'), 2 ** 29, 5n)], /bridge/);
});

test('withdrawals and refunds are numbered together, in order', () => {
  const s = market();
  s.push(bundle(s, [withdraw(s, 'bob', 2, 700n)]));
  refunded(s, deposit(s, 900, 1, 5n));
  s.push(bundle(s, [withdraw(s, 'alice', 1, 7n)]));
  refunded(s, depositNew(s, IDENTITY, 1, 6n));
  const closed = finish(s);
  assert.deepEqual(closed.flatMap((b) => b.withdrawals).map((w) => [w.account, w.token, w.amount, w.refund]), [
    [2, 2, 700n, false],
    [900, 1, 5n, true],
    [1, 1, 7n, false],
    [0, 1, 6n, true],
  ]);
  const roots = new Set(closed.map((b) => b.statement.withdrawalsRoot));
  assert.equal(roots.size, closed.length);
});

test('without withdrawals the root is that of chain and batch', () => {
  const s = market();
  const [{ statement }] = finish(s);
  assert.equal(statement.withdrawalsRoot, withdrawalsStart(3, 1));
  assert.notEqual(withdrawalsStart(3, 1), withdrawalsStart(3, 2));
  assert.notEqual(withdrawalsStart(3, 1), withdrawalsStart(4, 1));
});

test('a batch ends before a deposit after which the fees could not be paid out', () => {
  const s = market();
  for (const token of [10, 11, 12]) s.deposit('operator', token, 5n);
  s.push(bundle(s, [withdraw(s, 'bob', 2, 5n, { fee_token: 2, fee: 1n })]));
  s.push([deposit(s, 0, 13, 5n)]);
  assert.equal(s.sequencer.open.batch.transactions[0].kind, 'refund'); // by now token 2 has the slot
  const closed = finish(s);
  assert.deepEqual(closed.map((batch) => [batch.transactions.length, batch.end]), [[8, OPERATOR], [1, null]]);
});

test('no batch ends before a signed transaction for the sake of the fees', () => {
  const s = market();
  for (const token of [10, 11, 12]) s.deposit('operator', token, 5n);
  s.deposit('alice', 13, 5n);
  cut(s);
  s.push(bundle(s, [withdraw(s, 'bob', 2, 5n, { fee_token: 2, fee: 1n })]));
  refused(s, bundle(s, [transfer(s, 'alice', 'operator', 13, 5n)]), /three slots/);
});

test('a deposit touches no account that does not exist yet', () => {
  const s = market();
  const touched = () => s.sequencer.open.room.touched.accounts.size;
  const before = touched();
  refunded(s, deposit(s, s.state.nextAccount, 1, 5n));
  refunded(s, depositNew(s, IDENTITY, 1, 5n));
  assert.equal(touched(), before);
  credited(s, depositNew(s, newKey('late'), 1, 5n));
  assert.equal(touched(), before + 1);
  credited(s, deposit(s, s.state.nextAccount - 1, 1, 5n));
  assert.equal(touched(), before + 1);
  finish(s);
});

test('a published refund needs a reason, as far as the data shows one', () => {
  const s = market();
  s.push([deposit(s, 900, 1, 5n)]);
  const [{ data }] = finish(s);
  const at = data.length - 32 - 36; // the refund: its first byte, two of account 900, amount, destination
  assert.equal(data[at], 11 + 64);
  const wrong = Buffer.from(data);
  wrong[at + 1] = 0x82; // account 898 does not exist either
  assert.doesNotThrow(() => replay(s.genesis, wrong));
  const one = Buffer.concat([data.subarray(0, at + 1), Buffer.from([1]), data.subarray(at + 3)]);
  assert.throws(() => replay(s.genesis, one), (error) => error instanceof Refused && /can be credited/.test(error.message));
});

test('the last index of the queue, and the last batch', () => {
  const s = market();
  cut(s);
  s.sequencer.state.depositCount = 2 ** 48 - 2;
  credited(s, deposit(s, 1, 1, 5n));
  assert.equal(s.state.depositCount, 2 ** 48 - 1);
  refused(s, [deposit(s, 1, 1, 5n)], /last index/);
  const t = market();
  cut(t);
  t.sequencer.state.batchNumber = 2 ** 48 - 2;
  credited(t, deposit(t, 1, 1, 5n));
  cut(t);
  assert.equal(t.state.batchNumber, 2 ** 48 - 1);
  refused(t, [deposit(t, 1, 1, 5n)], /last batch number/);
});
