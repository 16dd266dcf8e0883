import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MAX_AMOUNT,
  Refused,
  Sequencer,
  State,
  balanceOf,
  decodeData,
  encodeData,
  executeFile,
  lpToken,
  messageOf,
  publicKey,
  readBatchFile,
  replay,
  sha256,
  shapeOf,
  sign,
  writeBatchFile,
} from '../src/index.js';
import { Scenario, secretOf } from '../src/scenario.js';

const DEST = sha256(Buffer.from('destination'));

/** Signs a bundle: [[signer, fields], ...]; nonces follow one another. */
function bundle(s, members) {
  const next = new Map();
  const txs = members.map(([name, fields]) => {
    const nonce = next.get(name) ?? s.account(name).nonce;
    next.set(name, nonce + 1n);
    return { fee_token: 0, fee: 0n, expiry: 0, ...fields, nonce };
  });
  const message = messageOf(txs, s.chainId);
  for (const [i, [name]] of members.entries()) {
    txs[i].signature = sign(secretOf(name), message);
    if (txs.length > 1) txs[i].message = message;
  }
  return txs;
}

const push = (s, txs) => {
  s.sequencer.push(txs);
  s.transactions.push(...txs);
};

function refused(s, txs, rule) {
  const before = s.state;
  assert.throws(() => s.sequencer.push(txs), (error) => error instanceof Refused && rule.test(error.message));
  assert.equal(s.state, before);
}

function market() {
  const s = new Scenario({ shape: 'small', chainId: 3, seed: 'test' });
  s.depositNew('operator', 1, 1_000_000n);
  s.depositNew('alice', 1, 1_000_000n);
  s.depositNew('bob', 2, 5_000_000n);
  s.deposit('alice', 2, 4_000_000n);
  return s;
}

const transfer = (s, from, to, token, amount, more = {}) => {
  const { x, y } = s.account(to);
  return [from, { kind: 'transfer', from: s.index(from), to: s.index(to), to_key: { x, y }, token, amount, ...more }];
};

function finish(s) {
  const closed = executeFile(s.shape, s.genesis, readBatchFile(s.file()));
  s.sequencer.close();
  assert.equal(closed.at(-1).statement.postStateRoot, s.sequencer.state.root());
  let state = s.genesis;
  for (const { data, statement } of closed) {
    state = replay(state, data, statement.depositHead);
    assert.equal(state.root(), statement.postStateRoot);
  }
  return closed;
}

test('liquidity comes back less the locked shares', () => {
  const s = market();
  const pool = s.createPool('alice', 1, 2, 30, 500_000n, 2_000_000n);
  assert.equal(balanceOf(s.account('alice'), lpToken(pool)), 999_000n);
  const remove = { kind: 'remove_liquidity', account: s.index('alice'), pool, shares: 999_000n, min0: 499_500n, min1: 1n };
  refused(s, bundle(s, [['alice', { ...remove, min0: 499_501n }]]), /would give 499500, 1998000/);
  push(s, bundle(s, [['alice', remove]]));
  assert.equal(balanceOf(s.account('alice'), lpToken(pool)), 0n);
  assert.equal(balanceOf(s.account('alice'), 1), 999_500n);
  assert.deepEqual(s.state.pools.get(pool).supply, 1000n);
  finish(s);
});

test('withdrawals and refunds are emitted in order', () => {
  const s = market();
  push(s, bundle(s, [['bob', { kind: 'withdraw', account: s.index('bob'), token: 2, amount: 700n, destination: DEST }]]));
  push(s, [{ kind: 'deposit', outpoint: s.outpoint(), account: 900, token: 1, amount: 5n, refund: DEST }]);
  const identity = { x: 0n, y: 1n };
  push(s, [{ kind: 'deposit_new', outpoint: s.outpoint(), key: identity, token: 1, amount: 6n, refund: DEST }]);
  assert.equal(s.state.depositCount, 6);
  const closed = finish(s);
  const emitted = closed.flatMap((b) => b.withdrawals);
  assert.deepEqual(emitted.map((w) => [w.account, w.token, w.amount, w.refund]), [
    [2, 2, 700n, false],
    [900, 1, 5n, true],
    [0, 1, 6n, true],
  ]);
  assert.notEqual(closed[0].statement.withdrawalsRoot, 0n);
});

test('a changed key signs from the next transaction on', () => {
  const s = market();
  const change = { kind: 'change_key', account: s.index('bob'), key: publicKey(secretOf('bob 2')) };
  push(s, bundle(s, [['bob', change]]));
  refused(s, bundle(s, [transfer(s, 'bob', 'alice', 2, 5n)]), /signature/);
  const [tx] = bundle(s, [transfer(s, 'bob', 'alice', 2, 5n)]);
  tx.signature = sign(secretOf('bob 2'), messageOf([tx], s.chainId));
  push(s, [tx]);
  finish(s);
});

test('bundles are executed all or none', () => {
  const s = market();
  const swapTokens = (a, b) => [transfer(s, 'alice', 'bob', 1, a), transfer(s, 'bob', 'alice', 2, b)];
  refused(s, bundle(s, swapTokens(100n, 5_000_001n)), /balance/);
  const good = bundle(s, swapTokens(100n, 200n));
  refused(s, [good[0]], /bundle ends/);
  refused(s, [good[1], good[0]], /bundle ends/);
  refused(s, [good[0], good[1], good[1]], /bundle ends/);
  const bare = good.map(({ message, ...tx }) => tx);
  refused(s, [bare[0]], /signature/);
  push(s, good);
  assert.equal(balanceOf(s.account('bob'), 1), 100n);
  const closed = finish(s);
  assert.equal(closed.length, 1);
});

test('a bundle moves to the next batch as a whole', () => {
  const s = market(); // four singles: slots 0, 1, 3, 4 of SSPSSPSSPSSP
  for (let i = 0; i < 2; i++) push(s, bundle(s, [transfer(s, 'alice', 'bob', 1, 1n)])); // slots 5 and 8
  push(s, bundle(s, [transfer(s, 'alice', 'bob', 1, 2n), transfer(s, 'bob', 'alice', 1, 1n)]));
  const closed = finish(s);
  assert.deepEqual(closed.map((b) => b.slots.filter((i) => i !== null)), [[0, 1, 2, 3, 4, 5], [6, 7]]);
});

test('rules of signed transactions', () => {
  const s = market();
  const pay = (more) => bundle(s, [transfer(s, 'alice', 'bob', 1, 5n, more)]);
  refused(s, pay({ fee_token: 1 }), /fee/);
  refused(s, pay({ fee: 1n }), /fee/);
  refused(s, pay({ amount: 0n }), /at least 1/);
  refused(s, pay({ token: 0 }), /no token/);
  refused(s, pay({ amount: 1_000_001n }), /balance/);
  refused(s, pay({ amount: 1_000_000n, fee_token: 1, fee: 1n }), /balance/);
  refused(s, pay({ to_key: publicKey(secretOf('carol')) }), /another key/);
  refused(s, bundle(s, [transfer(s, 'alice', 'alice', 1, 5n)]), /same/);
  const once = pay({ expiry: 1 });
  push(s, once);
  refused(s, once, /nonce/);
  s.sequencer.close();
  refused2(s, pay({ expiry: 1 }), /expired/);
  push(s, pay({ expiry: 2 }));
});

/** As refused, where the transaction opens a batch. */
function refused2(s, txs, rule) {
  assert.throws(() => s.sequencer.push(txs), (error) => error instanceof Refused && rule.test(error.message));
}

test('foreign credits leave three slots empty, own ones do not', () => {
  const s = market();
  for (const token of [10, 11, 12]) s.deposit('alice', token, 10_000n); // with token 2: four slots taken
  s.deposit('bob', 20, 10_000n);
  refused2(s, bundle(s, [transfer(s, 'bob', 'alice', 20, 5n)]), /three slots/);
  s.createPool('alice', 10, 11, 0, 5_000n, 5_000n);
  assert.equal(s.account('alice').tokens.filter((t) => t).length, 5);
  s.deposit('alice', 30, 1n); // no room: refunded
  const emitted = finish(s).flatMap((b) => b.withdrawals);
  assert.deepEqual(emitted.map((w) => [w.token, w.refund]), [[30, true]]);
});

test('a deposit beyond 2^96 is refunded', () => {
  const s = market();
  s.deposit('alice', 1, MAX_AMOUNT);
  assert.equal(finish(s)[0].withdrawals.length, 1);
});

test('batch files and data have one form', () => {
  const s = market();
  push(s, bundle(s, [transfer(s, 'alice', 'bob', 1, 5n), transfer(s, 'bob', 'alice', 2, 7n)]));
  const text = s.file();
  const file = readBatchFile(text);
  const { header } = file;
  const again = writeBatchFile(
    { chainId: header.chain_id, batch: header.batch, preStateRoot: header.pre_state_root, operator: header.operator },
    file.transactions,
  );
  assert.equal(again, text);
  assert.doesNotThrow(() => readBatchFile(text.slice(0, -1)));
  const bad = (from, to) => assert.throws(() => readBatchFile(text.replace(from, to)), `${from} -> ${to}`);
  bad('\n', '\n\n');
  bad('"token":1', '"token":1,"token":1');
  bad('"token":1', '"token":1.0');
  bad('"token":1', '"token":-1');
  bad('"token":1', '"tok":1');
  bad('"token":1', '"token":1,"toString":1');
  bad('"amount":"5"', '"amount":"05"');
  bad('"amount":"5"', `"amount":"${2n ** 96n}"`);
  bad('"amount":"5"', '"amount":5');
  bad(/"outpoint":"./, '"outpoint":"A');
  bad('tapstone-batch/1', 'tapstone-batch/2');
  bad('"message":"0x', '"message":"0xf');

  const [{ data }] = finish(s);
  assert.deepEqual(encodeData(decodeData(data)), data);
  assert.throws(() => decodeData(Buffer.concat([data, Buffer.alloc(1)])));
  assert.throws(() => decodeData(data.subarray(0, -1)));
});

test('the operator must exist when a batch closes', () => {
  const sequencer = new Sequencer(shapeOf('tiny'), State.genesis(shapeOf('tiny'), 3), 1);
  const key = publicKey(secretOf('alice'));
  const outpoint = { txid: Buffer.alloc(32), vout: 0 };
  sequencer.push([{ kind: 'deposit_new', outpoint, key, token: 1, amount: 5n, refund: DEST }]);
  assert.throws(() => sequencer.close(), Refused);
});
