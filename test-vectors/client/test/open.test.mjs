// MEMORY.md, section 12: open batches.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { R, elementFromHex, elementToHex } from '../src/field.js';
import { hash, poseidon } from '../src/poseidon.js';
import * as open from '../src/open.js';
import { NotOpen, challenge, checkOpen, keySetId, partInputs, readOpen } from '../src/open.js';
import { SEGMENT_KEYS, STATE_KEYS, balanced, changes, digits, made, openBatch, sealed } from '../testing/open.js';

const sha256 = (hex) => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');
const tagged = (tag, hex) => {
  const t = sha256(Buffer.from(tag, 'ascii').toString('hex'));
  return sha256(t + t + hex);
};
const pinned = keySetId(openBatch(1).key_set);
const check = (file, id = pinned) => checkOpen(readOpen(file), id);
const refused = (file, step, words, id = pinned) =>
  assert.throws(() => check(file, id), (e) => {
    assert.ok(e instanceof NotOpen, e.stack);
    assert.equal(e.step, step, e.message);
    assert.match(e.message, words);
    return true;
  });

test('the id of a key set', () => {
  const keys = [['segment', digits('8')], ['segment', digits('9')], ['state', digits('7')]];
  const hex = `00000003${'0003'}01${digits('8')}01${digits('9')}02${digits('7')}`;
  assert.equal(keySetId({ circuit_version: 3, keys }), tagged('Tapstone/keys/v1', hex));
  const bad = (given) => assert.throws(() => keySetId({ circuit_version: 3, keys: given }), NotOpen);
  bad([]);
  bad(keys.slice(0, 2));
  bad(keys.slice(2));
  bad([keys[1], keys[0], keys[2]]);
  bad([keys[2], keys[0], keys[1]]);
  bad([keys[0], keys[0], keys[2]]);
  bad([...keys.slice(0, 2), ['state', digits('9')]]);
  const many = [...Array(257).keys()].map((i) => [i === 0 ? 'segment' : 'state', i.toString(16).padStart(64, '0')]);
  assert.match(keySetId({ circuit_version: 3, keys: many.slice(0, 256) }), /^[0-9a-f]{64}$/);
  bad(many);
});

const small = () => {
  const element = (digit) => `0x${digits(digit)}`;
  return {
    key_set: { circuit_version: 3, keys: [['segment', digits('a')], ['state', digits('b')]] },
    statement: {
      chain_id: 0x01020304,
      batch_number: 0x050607,
      pre_state_root: `0x${'11'.repeat(32)}`,
      post_state_root: element('2'),
      data_hash: `0x${'0f'.repeat(32)}`,
      deposit_head: `0x${'1e'.repeat(32)}`,
      withdrawals_root: `0x${'2d'.repeat(32)}`,
    },
    before: {
      account_depth: 10,
      pool_depth: 9,
      next_account: 0x11,
      next_pool: 0x12,
      deposit_count: 0x13,
      account_root: `0x${'0a'.repeat(32)}`,
      pool_root: `0x${'0b'.repeat(32)}`,
      deposit_head: `0x${'0c'.repeat(32)}`,
    },
    after: { account_root: `0x${'1a'.repeat(32)}`, pool_root: `0x${'1b'.repeat(32)}` },
    operator: 0x21,
    fee_tokens: [1, 2, 3, 4, 5, 6, 7, 0x3ffffff8],
    pools_touched: true,
    segments: [
      {
        key: digits('a'),
        h: `0x${'01'.repeat(32)}`,
        data: `0x${'02'.repeat(32)}`,
        withdrawals: `0x${'03'.repeat(32)}`,
        after: {
          withdrawals: 0x31,
          deposit_head: `0x${'04'.repeat(32)}`,
          next_account: 0x32,
          next_pool: 0x33,
          deposit_count: 0x34,
          time: 0x35,
          fees: ['1', '2', '3', '4', '5', '6', '7', '256'],
        },
        sum: `0x${'05'.repeat(32)}`,
      },
    ],
    state_parts: [{ key: digits('b'), h: `0x${'06'.repeat(32)}`, sum: `0x${'07'.repeat(32)}` }],
  };
};

test('rho, alpha and gamma of a small batch', () => {
  const setId = tagged('Tapstone/keys/v1', `000000030002${'01'}${digits('a')}${'02'}${digits('b')}`);
  const total = (last4) => `${'0'.repeat(28)}${last4}`;
  const hex = [
    setId,
    // statement
    `${'0'.repeat(56)}01020304`, `${'0'.repeat(58)}050607`,
    '11'.repeat(32), '22'.repeat(32), '0f'.repeat(32), '1e'.repeat(32), '2d'.repeat(32),
    // before, after
    '0a', '09', '00000011', '00000012', '0000000000000013', '0a'.repeat(32), '0b'.repeat(32), '0c'.repeat(32),
    '1a'.repeat(32), '1b'.repeat(32),
    '00000021',
    '00000001', '00000002', '00000003', '00000004', '00000005', '00000006', '00000007', '3ffffff8',
    '01',
    // segments
    '00000001', digits('a'), '01'.repeat(32), '02'.repeat(32), '03'.repeat(32),
    '00000031', '04'.repeat(32), '00000032', '00000033', '0000000000000034', '00000035',
    ...['0001', '0002', '0003', '0004', '0005', '0006', '0007', '0100'].map(total),
    // state parts
    '00000001', digits('b'), '06'.repeat(32),
  ].join('');
  const rho = tagged('Tapstone/rho/v1', hex);
  const found = challenge(readOpen(small()));
  assert.equal(found.rho.toString('hex'), rho);
  for (const [name, tag] of [['alpha', 'Tapstone/alpha/v1'], ['gamma', 'Tapstone/gamma/v1']]) {
    assert.equal(found[name], BigInt(`0x${tagged(tag, rho)}`) & (2n ** 253n - 1n));
  }
  // Sums do not change it.
  const again = small();
  again.segments[0].sum = again.state_parts[0].sum = made(0);
  assert.deepEqual(challenge(readOpen(again)), found);
});

test('public inputs: registers go from segment to segment, and the last one is marked', () => {
  const file = openBatch(3);
  const { alpha, gamma, inputs } = check(file);
  assert.equal(inputs.length, 6);
  assert.deepEqual(inputs.map((list) => list.length), [47, 47, 47, 4, 4, 4]);
  assert.deepEqual(inputs.slice(0, 3).map((list) => list[4]), [0n, 0n, 1n]);
  const { before, segments, state_parts } = file;
  const counters = [19n, 2n, 68n];
  assert.deepEqual(inputs[0].slice(19, 33), [0n, elementFromHex(before.deposit_head), ...counters, 0n, ...Array(8).fill(0n)]);
  assert.deepEqual(inputs[1].slice(19, 33), inputs[0].slice(33));
  assert.deepEqual(inputs[2].slice(19, 33), inputs[1].slice(33));
  const x = elementFromHex;
  const { h, sum, data, withdrawals, after } = segments[2];
  assert.deepEqual(inputs[2].slice(0, 19), [7n, 12n, 5n, 64n, 1n, alpha, gamma, x(h), x(sum), x(data), x(withdrawals), 1n, 2n, 3n, 4n, 5n, 6n, 7n, 2n ** 29n]);
  assert.deepEqual(inputs[2].slice(33), [5n, x(after.deposit_head), 22n, 5n, 74n, 27n, ...after.fees.map(BigInt)]);
  assert.deepEqual(inputs[4], [alpha, gamma, x(state_parts[1].h), x(state_parts[1].sum)]);
  assert.deepEqual(partInputs(readOpen(file), { alpha, gamma }), inputs);
});

test('data and withdrawals of 1, 2, 8 and 9 segments', () => {
  const leaves = [...Array(65).keys()].map((i) => BigInt(1000 + i));
  const zeros = (n) => Array(n).fill(0n);
  for (const [tag, root] of [[14n, open.dataOfSegments], [15n, open.withdrawalsOfSegments]]) {
    assert.equal(root(leaves.slice(0, 1)), 1000n);
    assert.equal(root(leaves.slice(0, 2)), poseidon(tag, 2n, poseidon(1000n, 1001n, ...zeros(6))));
    const eight = poseidon(...leaves.slice(0, 8));
    assert.equal(root(leaves.slice(0, 8)), poseidon(tag, 8n, eight));
    const nine = poseidon(eight, poseidon(1008n, ...zeros(7)), ...zeros(6));
    assert.equal(root(leaves.slice(0, 9)), poseidon(tag, 9n, nine));
    const node = (i) => poseidon(...leaves.slice(8 * i, 8 * i + 8));
    const full = poseidon(...[...Array(8).keys()].map(node));
    const above = poseidon(full, poseidon(poseidon(1064n, ...zeros(7)), ...zeros(7)), ...zeros(6));
    assert.equal(root(leaves), poseidon(tag, 65n, above));
  }
});

test('batches that keep every rule are accepted', () => {
  for (const n of [1, 2, 8, 9]) check(openBatch(n));
  check(openBatch(2, { poolsTouched: false }));
  const edge = openBatch(1);
  const { after } = edge.segments[0];
  Object.assign(after, { withdrawals: 2 ** 20, next_account: 64, next_pool: 64, deposit_count: 2 ** 48 - 1, time: 2 ** 32 - 1 });
  after.fees[7] = String(2n ** 120n - 1n);
  Object.assign(edge, { operator: 2 ** 30 - 1, fee_tokens: [1, 2, 3, 4, 5, 6, 7, 2 ** 30 - 1] });
  Object.assign(edge.statement, { chain_id: 2 ** 32 - 1, batch_number: 2 ** 48 - 1 });
  check(sealed(edge));
  // A single segment may be empty, a pool that is touched may keep its root, and a segment may come without state parts
  // as far as these steps go.
  const empty = openBatch(1);
  empty.segments[0].data = elementToHex(hash.dataStart(5n));
  empty.after.pool_root = empty.before.pool_root;
  empty.state_parts = [];
  check(sealed(empty));
});

/** A batch with one change, everything that hangs on it made anew. */
const with_ = (n, change, seal = sealed) => {
  const file = openBatch(n);
  change(file);
  return seal(file);
};
const asItIs = (file) => file;

test('step 1: keys and numbers of parts', () => {
  refused(openBatch(1), 1, /key set id/, digits('0'));
  refused(with_(1, (f) => (f.key_set.circuit_version = 4)), 1, /key set id/);
  refused(with_(2, (f) => (f.segments[1].key = STATE_KEYS[0])), 1, /key of segment 1/);
  refused(with_(2, (f) => (f.state_parts[2].key = SEGMENT_KEYS[0])), 1, /key of state part 2/);
  refused(with_(2, (f) => (f.state_parts[2].key = digits('5'))), 1, /key of state part 2/);
  refused(with_(1, (f) => (f.segments = []), asItIs), 1, /number of segments/);
  const many = (n) => (f) => (f.state_parts = Array(n).fill(f.state_parts[0]));
  refused(with_(1, many(2 ** 16), asItIs), 1, /number of parts/);
});

test('step 2: number and state roots', () => {
  refused(with_(1, (f) => (f.statement.batch_number = 0), asItIs), 2, /batch number/);
  refused(with_(1, (f) => (f.statement.batch_number = 2 ** 48)), 2, /batch number/);
  refused(with_(1, (f) => (f.statement.chain_id = 2 ** 32)), 2, /chain id/);
  for (const [name, most] of [['account', 10], ['pool', 9]]) {
    refused(with_(1, (f) => (f.before[`${name}_depth`] = 0), asItIs), 2, /depth/);
    refused(with_(1, (f) => (f.before[`${name}_depth`] = most + 1), asItIs), 2, /depth/);
  }
  const root = (change, words) => refused(with_(2, change, balanced), 2, words);
  root((f) => (f.statement.pre_state_root = made(0)), /state before, root/);
  root((f) => (f.statement.post_state_root = made(0)), /state after, root/);
  for (const name of ['next_account', 'next_pool', 'deposit_count', 'account_depth', 'pool_depth']) {
    root((f) => (f.before[name] += 1), /state before, root/);
  }
  for (const name of ['account_root', 'pool_root', 'deposit_head']) {
    root((f) => (f.before[name] = made(0)), /state before, root/);
    if (name !== 'deposit_head') root((f) => (f.after[name] = made(0)), /state after, root/);
  }
  for (const name of ['next_account', 'next_pool', 'deposit_count']) {
    root((f) => (f.segments[1].after[name] += 1), /state after, root/);
  }
  root((f) => (f.segments[1].after.deposit_head = made(0)), /state after, root/);
  refused(with_(1, (f) => (f.before.next_pool = 2 ** 32), asItIs), 2, /state before, next_pool/);
  refused(with_(1, (f) => (f.pools_touched = false)), 2, /no pool touched/);
});

test('step 3: ranges', () => {
  refused(with_(1, (f) => (f.operator = 2 ** 30)), 3, /operator/);
  for (const [i, token] of [[0, 0], [3, 3], [3, 2], [7, 2 ** 30]]) {
    refused(with_(1, (f) => (f.fee_tokens[i] = token)), 3, /fee token/);
  }
  const above = { withdrawals: 2 ** 20 + 1, next_account: 65, next_pool: 65, deposit_count: 2 ** 48, time: 2 ** 32 };
  for (const [name, value] of Object.entries(above)) {
    refused(with_(2, (f) => (f.segments[0].after[name] = value), asItIs), 3, new RegExp(`${name} after segment 0`));
  }
  refused(with_(2, (f) => (f.segments[0].after.fees[4] = String(2n ** 120n))), 3, /total 4 of fees after segment 0/);
  refused(with_(1, (f) => (f.segments[0].after.next_account = 65)), 3, /next_account after segment 0/);
});

test('step 4: what the segments add up to', () => {
  refused(with_(2, (f) => (f.segments[1].data = elementToHex(hash.dataStart(5n)))), 4, /data of segment 1/);
  const hung = (change, words) => refused(with_(2, change, balanced), 4, words);
  hung((f) => (f.segments[0].data = made(0)), /data hash/);
  hung((f) => (f.segments[0].withdrawals = made(0)), /withdrawals root/);
  hung((f) => (f.statement.data_hash = f.segments[0].data), /data hash/);
  hung((f) => (f.statement.withdrawals_root = made(0)), /withdrawals root/);
  hung((f) => (f.statement.deposit_head = made(0)), /deposit head/);
});

test('step 5: the balance', () => {
  for (const list of ['segments', 'state_parts']) {
    const up = (f) => (f[list][0].sum = elementToHex(elementFromHex(f[list][0].sum) + 1n));
    refused(with_(2, up, asItIs), 5, /sum of all sums/);
  }
  // A touched pool tree owes its root's share, and one that is not touched owes none.
  const file = openBatch(2, { poolsTouched: false });
  file.pools_touched = true;
  refused(file, 5, /sum of all sums/);
  // A record that meets the challenge has no share.
  const batch = readOpen(openBatch(1));
  const gamma = (alpha) =>
    (3n + alpha * 8n ** 8n + alpha ** 2n * batch.before.account_root + alpha ** 3n * batch.after.account_root) % R;
  assert.throws(() => open.rootsShare(batch, { alpha: 2n, gamma: gamma(2n) }), { step: 5 });
  assert.equal(typeof open.rootsShare(batch, { alpha: 2n, gamma: gamma(3n) }), 'bigint');
});

function everyChangeIsRefused(file, id) {
  let tried = 0;
  for (const [what, changed] of changes(file)) {
    assert.throws(() => check(changed, id), NotOpen, what);
    tried += 1;
  }
  return tried;
}

test('a batch with any one change is refused', () => {
  assert.ok(everyChangeIsRefused(openBatch(2), pinned) > 200);
  assert.ok(everyChangeIsRefused(openBatch(1, { poolsTouched: false }), pinned) > 150);
});

const FILE = new URL('../../open/parts-tiny.json', import.meta.url);

test('the published batch', { skip: !existsSync(FILE) && 'there is no open/parts-tiny.json' }, () => {
  const file = JSON.parse(readFileSync(FILE, 'utf8'));
  const { key_set_id, alpha, gamma, inputs, ...batch } = file;
  assert.equal(keySetId(readOpen(file).key_set), key_set_id);
  const found = check(file, key_set_id);
  assert.equal(elementToHex(found.alpha), alpha);
  assert.equal(elementToHex(found.gamma), gamma);
  assert.deepEqual(found.inputs.map((list) => list.map(elementToHex)), inputs);
  assert.ok(everyChangeIsRefused(batch, key_set_id) > 100);
});
