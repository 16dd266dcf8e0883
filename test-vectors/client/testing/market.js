// A small state to test rules in, and transactions that are signed as they are.

import assert from 'node:assert/strict';
import { Refused, executeFile, messageOf, publicKey, readBatchFile, replay, sha256, sign } from '../src/index.js';
import { Scenario, secretOf } from '../src/scenario.js';

export const DEST = sha256(Buffer.from('destination'));

/** Three accounts: operator, alice with tokens 1 and 2, bob with token 2. */
export function market(shape = 'small') {
  const s = new Scenario({ shape, chainId: 3, seed: 'test' });
  s.depositNew('operator', 1, 1_000_000n);
  s.depositNew('alice', 1, 1_000_000n);
  s.depositNew('bob', 2, 5_000_000n);
  s.deposit('alice', 2, 4_000_000n);
  return s;
}

/** Signs a bundle: [[signer, fields, name of the key if another], ...]; nonces follow one another unless given. */
export function bundle(s, members) {
  const next = new Map();
  const txs = members.map(([name, fields]) => {
    const nonce = next.get(name) ?? s.account(name)?.nonce ?? 0n;
    next.set(name, nonce + 1n);
    return { fee_token: 0, fee: 0n, expiry: 0, nonce, ...fields };
  });
  const message = messageOf(txs, s.chainId);
  for (const [i, [name, , keyName]] of members.entries()) {
    txs[i].signature = sign(secretOf(keyName ?? name), message);
    if (txs.length > 1) txs[i].message = message;
  }
  return txs;
}

export const transfer = (s, from, to, token, amount, more = {}) => {
  const { x, y } = s.account(to);
  return [from, { kind: 'transfer', from: s.index(from), to: s.index(to), to_key: { x, y }, token, amount, ...more }];
};

export const withdraw = (s, name, token, amount, more = {}) => [
  name,
  { kind: 'withdraw', account: s.index(name), token, amount, destination: DEST, ...more },
];

export const changeKey = (s, name, key, more = {}) => [name, { kind: 'change_key', account: s.index(name), key, ...more }];

export const deposit = (s, account, token, amount) => ({
  kind: 'deposit', outpoint: s.outpoint(), account, token, amount, refund: DEST,
});

export const depositNew = (s, key, token, amount) => ({
  kind: 'deposit_new', outpoint: s.outpoint(), key, token, amount, refund: DEST,
});

export const newKey = (label) => publicKey(secretOf(label));

/** The bundle is refused by a rule, and nothing changes. */
export function refused(s, txs, rule) {
  const before = s.state;
  refusedInNewBatch(s, txs, rule);
  assert.equal(s.state, before);
}

/** As `refused`, where the bundle would open a batch: then the one before it is closed. */
export function refusedInNewBatch(s, txs, rule) {
  assert.throws(() => s.sequencer.push(txs), (error) => error instanceof Refused && rule.test(error.message));
}

/** Ends a batch before it is full, which no batch file can ask for. */
export function cut(s) {
  s.sequencer.close();
  s.wasCut = true;
}

/** All batches, rebuilt from their data; unless one was cut they are also executed from their file. */
export function finish(s) {
  s.sequencer.close();
  const { closed } = s.sequencer;
  const outcome = closed.map((b) => [b.statement, b.data]);
  if (!s.wasCut) {
    const again = executeFile(s.shape, s.genesis, readBatchFile(s.file()));
    assert.deepEqual(again.map((b) => [b.statement, b.data]), outcome);
  }
  let state = s.genesis;
  for (const [statement, data] of outcome) {
    const rebuilt = replay(state, data);
    assert.deepEqual(rebuilt.statement(), statement);
    state = rebuilt.state;
  }
  return closed;
}
