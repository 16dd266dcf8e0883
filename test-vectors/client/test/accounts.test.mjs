import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused, Sequencer, State, lpToken, messageOf, publicKey, shapeOf, sign } from '../src/index.js';
import { secretOf } from '../src/scenario.js';
import { IDENTITY, ORDER_2, ORDER_4, besides } from '../stories/invalid-keys.js';
import {
  DEST,
  bundle,
  changeKey,
  cut,
  finish,
  market,
  newKey,
  refused,
  refusedInNewBatch,
  transfer,
  withdraw,
} from '../testing/market.js';

test('rules of signed transactions', () => {
  const s = market();
  const pay = (more) => bundle(s, [transfer(s, 'alice', 'bob', 1, 5n, more)]);
  refused(s, pay({ fee_token: 1 }), /fee/);
  refused(s, pay({ fee: 1n }), /fee/);
  refused(s, pay({ amount: 0n }), /at least 1/);
  refused(s, pay({ token: 0 }), /no token/);
  refused(s, pay({ amount: 1_000_001n }), /balance/);
  refused(s, pay({ amount: 1_000_000n, fee_token: 1, fee: 1n }), /balance/);
  refused(s, pay({ to_key: newKey('carol') }), /another key/);
  refused(s, pay({ from: 77 }), /does not exist/);
  refused(s, bundle(s, [transfer(s, 'alice', 'alice', 1, 5n)]), /same/);
  const once = pay({ expiry: 1 });
  s.push(once);
  refused(s, once, /nonce/);
  cut(s);
  refusedInNewBatch(s, pay({ expiry: 1 }), /expired/);
  s.push(pay({ expiry: 2 }));
});

test('a changed key signs from the next transaction on', () => {
  const s = market();
  s.push(bundle(s, [changeKey(s, 'bob', newKey('bob 2'))]));
  refused(s, bundle(s, [transfer(s, 'bob', 'alice', 2, 5n)]), /signature/);
  const [name, pay] = transfer(s, 'bob', 'alice', 2, 5n);
  s.push(bundle(s, [[name, pay, 'bob 2']]));
  const [, toOld] = transfer(s, 'alice', 'bob', 1, 5n);
  refused(s, bundle(s, [['alice', { ...toOld, to_key: newKey('bob') }]]), /another key/);
  s.push(bundle(s, [['alice', toOld]]));
  finish(s);
});

test('only valid keys enter the state', () => {
  const s = market();
  const keys = [IDENTITY, ORDER_2, ORDER_4, besides(newKey('bob 2'))];
  for (const key of keys) refused(s, bundle(s, [changeKey(s, 'bob', key)]), /key is not valid/);
  const make = (key) => ['alice', { kind: 'transfer_new', from: 1, to_key: key, token: 1, amount: 5n }];
  for (const key of keys) refused(s, bundle(s, [make(key)]), /key is not valid/);
  s.push(bundle(s, [changeKey(s, 'bob', newKey('alice'))])); // two accounts may have one key
  s.push(bundle(s, [changeKey(s, 'alice', newKey('alice'))])); // and a change may change nothing
  finish(s);
});

test('a change of keys pays its fee', () => {
  const s = market();
  refused(s, bundle(s, [changeKey(s, 'bob', newKey('bob 2'), { fee_token: 1, fee: 1n })]), /balance/);
  s.push(bundle(s, [changeKey(s, 'bob', newKey('bob 2'), { fee_token: 2, fee: 5_000_000n })]));
  assert.equal(s.balance('bob', 2), 0n);
  finish(s);
});

test('withdrawals', () => {
  const s = market();
  const pool = s.createPool('alice', 1, 2, 30, 500_000n, 2_000_000n);
  refused(s, bundle(s, [withdraw(s, 'alice', lpToken(pool), 5n)]), /not ordinary/);
  refused(s, bundle(s, [withdraw(s, 'alice', 0, 5n)]), /not ordinary/);
  refused(s, bundle(s, [withdraw(s, 'alice', 1, 0n)]), /at least 1/);
  refused(s, bundle(s, [withdraw(s, 'alice', 1, 500_001n)]), /balance/);
  refused(s, bundle(s, [withdraw(s, 'alice', 3, 1n)]), /balance/);
  refused(s, bundle(s, [withdraw(s, 'alice', 1, 500_000n, { fee_token: 1, fee: 1n })]), /balance/);
  s.push(bundle(s, [withdraw(s, 'alice', 1, 499_999n, { fee_token: 1, fee: 1n })]));
  s.push(bundle(s, [withdraw(s, 'bob', 2, 5_000_000n)]));
  assert.deepEqual(s.account('bob').tokens, [0, 0, 0, 0, 0, 0, 0, 0]);
  const emitted = finish(s).flatMap((b) => b.withdrawals);
  assert.deepEqual(emitted, [
    { account: 1, token: 1, amount: 499_999n, destination: DEST, refund: false },
    { account: 2, token: 2, amount: 5_000_000n, destination: DEST, refund: false },
  ]);
});

test('the destination of a withdrawal is signed', () => {
  const s = market();
  const [tx] = bundle(s, [withdraw(s, 'alice', 1, 5n)]);
  refused(s, [{ ...tx, destination: Buffer.alloc(32) }], /signature/);
  s.push([tx]);
});

test('foreign credits leave three slots empty, own ones do not', () => {
  const s = market();
  for (const token of [10, 11, 12]) s.deposit('alice', token, 10_000n); // with token 2: four slots taken
  s.deposit('bob', 20, 10_000n);
  refusedInNewBatch(s, bundle(s, [transfer(s, 'bob', 'alice', 20, 5n)]), /three slots/);
  s.createPool('alice', 10, 11, 0, 5_000n, 5_000n);
  assert.equal(s.account('alice').tokens.filter((t) => t).length, 5);
  s.push(bundle(s, [transfer(s, 'bob', 'alice', 2, 5n)])); // a token that alice holds
  finish(s);
});

test('a signature for another chain, by another key, or with another nonce is refused', () => {
  const s = market();
  const [tx] = bundle(s, [transfer(s, 'alice', 'bob', 1, 5n)]);
  const elsewhere = sign(secretOf('alice'), messageOf([tx], 4));
  refused(s, [{ ...tx, signature: elsewhere }], /signature/);
  refused(s, [{ ...tx, signature: sign(secretOf('bob'), messageOf([tx], 3)) }], /signature/);
  refused(s, bundle(s, [transfer(s, 'alice', 'bob', 1, 5n, { nonce: 1n })]), /nonce/);
});

test('the operator must exist when a batch closes', () => {
  const sequencer = new Sequencer(shapeOf('tiny'), State.genesis(shapeOf('tiny'), 3), 1);
  const key = publicKey(secretOf('alice'));
  const outpoint = { txid: Buffer.alloc(32), vout: 0 };
  sequencer.push([{ kind: 'deposit_new', outpoint, key, token: 1, amount: 5n, refund: DEST }]);
  assert.throws(() => sequencer.close(), Refused);
});
