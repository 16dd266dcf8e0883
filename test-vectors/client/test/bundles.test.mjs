import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch, Refused, balanceOf, executeFile, messageOf, readBatchFile, sign } from '../src/index.js';
import { secretOf } from '../src/scenario.js';
import {
  bundle,
  changeKey,
  cut,
  deposit,
  finish,
  market,
  newKey,
  refused,
  refusedInNewBatch,
  transfer,
  withdraw,
} from '../testing/market.js';

const exchange = (s, a, b) => bundle(s, [transfer(s, 'alice', 'bob', 1, a), transfer(s, 'bob', 'alice', 2, b)]);
const three = (s) =>
  bundle(s, [transfer(s, 'alice', 'bob', 1, 50n), withdraw(s, 'bob', 2, 70n), transfer(s, 'bob', 'alice', 2, 9n)]);

test('bundles are executed all or none', () => {
  const s = market();
  refused(s, exchange(s, 100n, 5_000_001n), /balance/);
  s.push(exchange(s, 100n, 200n));
  assert.equal(s.balance('bob', 1), 100n);
  assert.equal(finish(s).length, 1);
});

test('no member can be missing, repeated, moved or added', () => {
  const s = market();
  const [a, b, c] = three(s);
  for (const wrong of [[a], [a, b], [a, c], [b, c], [c]]) refused(s, wrong, /bundle ends|nonce/);
  for (const wrong of [[b, a, c], [a, c, b], [c, b, a]]) refused(s, wrong, /bundle ends|nonce/);
  refused(s, [a, b, c, c], /bundle ends|nonce/);
  const [extra] = bundle(s, [transfer(s, 'alice', 'bob', 1, 1n, { nonce: a.nonce + 1n })]);
  refused(s, [a, extra, b, c], /same message/);
  refused(s, [a, b, c, { ...extra, message: a.message }], /signature/);
  s.push([a, b, c]);
  finish(s);
});

test('every member names the message and has signed it', () => {
  const s = market();
  const [a, b, c] = three(s);
  refused(s, [a, { ...b, message: b.message + 1n }, c], /same message/);
  refused(s, [a, { ...b, message: undefined }, c], /same message/);
  refused(s, [{ ...a, message: undefined }, b, c], /signature/);
  const other = [a, b, c].map((tx) => ({ ...tx, message: a.message + 1n }));
  refused(s, other, /signature/);
  const alone = { ...b, signature: sign(secretOf('bob'), messageOf([b], s.chainId)) };
  refused(s, [a, alone, c], /signature/);
  const stranger = { ...c, signature: sign(secretOf('carol'), c.message) };
  refused(s, [a, b, stranger], /signature/);
  s.push([a, b, c]);
});

test('a change to any member spoils the signatures of all', () => {
  const s = market();
  const [a, b, c] = three(s);
  refused(s, [{ ...a, amount: 51n }, b, c], /bundle ends/);
  refused(s, [a, b, { ...c, amount: 10n }], /bundle ends/);
  refused(s, [a, { ...b, expiry: 9 }, c], /bundle ends/);
  refused(s, [a, { ...b, destination: Buffer.alloc(32) }, c], /bundle ends/);
});

test('a signed transaction does not leave its bundle', () => {
  const s = market();
  const [a] = exchange(s, 100n, 200n);
  const { message, ...bare } = a;
  refused(s, [bare], /signature/);
});

test('a deposit never stands inside a bundle', () => {
  const s = market();
  const [a, b] = exchange(s, 100n, 200n);
  refused(s, [a, deposit(s, 1, 1, 5n), b], /deposit never/);
  refused(s, [deposit(s, 1, 1, 5n), a], /bundle ends/);
});

test('a bundle is never cut by the end of a batch', () => {
  const s = market();
  cut(s);
  const [a, b] = exchange(s, 100n, 200n);
  const batch = new Batch(s.state, 0);
  batch.execute(a);
  assert.throws(() => batch.finish(), (error) => error instanceof Refused && /end of a batch/.test(error.message));
  batch.execute(b);
  batch.finish();
});

test('one signer signs several times, each with the next nonce', () => {
  const s = market();
  const pays = [1n, 2n, 3n].map((amount) => transfer(s, 'alice', 'bob', 1, amount));
  const same = pays.map(([name, fields]) => [name, { ...fields, nonce: s.account('alice').nonce }]);
  refused(s, bundle(s, same), /nonce/);
  s.push(bundle(s, pays));
  assert.equal(s.account('alice').nonce, 3n);
  assert.equal(s.balance('bob', 1), 6n);
  finish(s);
});

test('members sign with the key that counts when their turn comes', () => {
  const s = market();
  const change = changeKey(s, 'alice', newKey('alice 2'));
  const [name, pay] = transfer(s, 'alice', 'bob', 1, 5n);
  refused(s, bundle(s, [change, [name, pay]]), /signature/);
  refused(s, bundle(s, [[name, pay, 'alice 2'], change]), /signature/);
  s.push(bundle(s, [change, [name, pay, 'alice 2']]));
  finish(s);
});

test('an account signs in the bundle that makes it', () => {
  const s = market();
  const index = s.state.nextAccount;
  const make = { kind: 'transfer_new', from: s.index('alice'), to_key: newKey('carol'), token: 1, amount: 60n };
  s.indices.set('carol', index);
  const spend = { kind: 'withdraw', account: index, token: 1, amount: 60n, destination: Buffer.alloc(32), nonce: 0n };
  refused(s, bundle(s, [['carol', spend], ['alice', make]]), /does not exist/);
  s.push(bundle(s, [['alice', make], ['carol', spend]]));
  assert.equal(balanceOf(s.state.accounts.get(index), 1), 0n);
  finish(s);
});

test('limits of a member are looked at when its turn comes', () => {
  const s = market();
  const pool = s.createPool('alice', 1, 2, 0, 100_000n, 400_000n);
  const order = { kind: 'swap', pool, direction: 0, amount_in: 50_000n };
  const sell = (name, min_out) => [name, { ...order, account: s.index(name), min_out }];
  s.push(bundle(s, [transfer(s, 'alice', 'bob', 1, 50_000n)]));
  refused(s, bundle(s, [sell('alice', 0n), sell('bob', 133_333n)]), /would give 66666/);
  s.push(bundle(s, [sell('alice', 0n), sell('bob', 66_666n)]));
  finish(s);
});

test('the totals of fees are payable after every member', () => {
  const s = market();
  for (const token of [10, 11, 12, 13]) s.deposit('operator', token, 5n); // fees in a fifth token are not payable
  const pay = transfer(s, 'bob', 'alice', 2, 5n, { fee_token: 2, fee: 1n });
  const free = withdraw(s, 'operator', 13, 5n);
  refusedInNewBatch(s, bundle(s, [pay, free]), /three slots/);
  s.push(bundle(s, [free, pay]));
  finish(s);
});

/** The file of a market with a bundle of three, and what becomes of it if its lines are changed. */
function fileRefused(change, rule) {
  const s = market();
  const before = s.transactions.length + 1;
  s.push(three(s));
  s.push([deposit(s, 1, 1, 5n)]);
  const lines = s.file().trimEnd().split('\n');
  const [a, b, c, d] = lines.slice(before);
  const text = [...lines.slice(0, before), ...change(a, b, c, d)].join('\n');
  const execute = () => executeFile(s.shape, s.genesis, readBatchFile(text));
  if (rule === null) execute();
  else assert.throws(execute, (error) => error instanceof Refused && rule.test(error.message));
}

test('a file whose bundle is not whole is refused', () => {
  const ends = /bundle ends/;
  fileRefused((a, b, c, d) => [a, b, c, d], null);
  fileRefused((a, b, c, d) => [d, a, b, c], null);
  fileRefused((a, b) => [a, b], ends); // cut by the end of the file
  fileRefused((a, b, c, d) => [a, d, b, c], ends); // by a deposit
  fileRefused((a, b, c, d) => [a, b, d, c], ends);
  fileRefused((a, b, c) => [b, a, c], /nonce|bundle ends/);
  const another = `"message":"0x${'0'.repeat(63)}1"`;
  fileRefused((a, b, c) => [a, b.replace(/"message":"[^"]*"/, another), c], ends);
});

// Section 6: what is looked at after each member is not mended by one that follows.
test('fees are looked at after each member of a bundle', () => {
  const members = (s) => {
    const paid = transfer(s, 'alice', 'bob', 1, 5n, { fee_token: 1, fee: 7n });
    const made = ['alice', { kind: 'transfer_new', from: s.index('alice'), to_key: newKey('operator 2'), token: 1, amount: 50n }];
    return [paid, made];
  };
  const s = market();
  cut(s);
  s.sequencer.operator = s.state.nextAccount;
  refusedInNewBatch(s, bundle(s, members(s)), /operator's account/);
  s.push(bundle(s, members(s).reverse()));
  cut(s);
});
