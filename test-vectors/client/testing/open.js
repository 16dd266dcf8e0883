// Open batches with made-up hashes, in the form of a file, and what is changed in such a file.

import { elementFromHex, elementToHex, inverse, mod, pow, R } from '../src/field.js';
import { hash } from '../src/poseidon.js';
import { challenge, dataOfSegments, readOpen, withdrawalsOfSegments } from '../src/open.js';

/** 32 bytes of one digit; below r as an element where the digit is 0 to 2. */
export const digits = (digit) => digit.repeat(64);
/** An element that is like no other. */
export const made = (n) => elementToHex(hash.dataStart(BigInt(n)));

export const SEGMENT_KEYS = [digits('4'), digits('9')];
export const STATE_KEYS = [digits('3'), digits('e')];

/** A batch of n segments that keeps every rule of steps 1 to 5. */
export function openBatch(n, { poolsTouched = true } = {}) {
  const segment = (i) => ({
    key: SEGMENT_KEYS[i % 2],
    h: made(100 + i),
    data: made(200 + i),
    withdrawals: made(300 + i),
    after: {
      withdrawals: 2 * i + 1,
      deposit_head: made(400 + i),
      next_account: 20 + i,
      next_pool: 3 + i,
      deposit_count: 70 + 2 * i,
      time: 9 * (i + 1),
      fees: [...Array(8).keys()].map((token) => String(1000 * i + token)),
    },
    sum: made(500 + i),
  });
  return sealed({
    key_set: {
      circuit_version: 3,
      keys: [...SEGMENT_KEYS.map((id) => ['segment', id]), ...STATE_KEYS.map((id) => ['state', id])],
    },
    statement: { chain_id: 7, batch_number: 12 },
    before: {
      account_depth: 2,
      pool_depth: 2,
      next_account: 19,
      next_pool: 2,
      deposit_count: 68,
      account_root: made(1),
      pool_root: made(2),
      deposit_head: made(3),
    },
    after: { account_root: made(4), pool_root: poolsTouched ? made(5) : made(2) },
    operator: 5,
    fee_tokens: [1, 2, 3, 4, 5, 6, 7, 2 ** 29],
    pools_touched: poolsTouched,
    segments: [...Array(n).keys()].map(segment),
    state_parts: [0, 1, 0].map((key, i) => ({ key: STATE_KEYS[key], h: made(600 + i), sum: made(700 + i) })),
  });
}

/** The batch with the roots, hashes and the last sum that its other fields lead to, where these have a place for it. */
export function sealed(file) {
  const batch = readOpen({ ...file, statement: { ...openStatement, ...file.statement } });
  const { statement: s, before, after, segments } = batch;
  const last = segments.at(-1).after;
  const root = (number, roots, rest) =>
    hash.stateRoot(
      roots.account_root,
      roots.pool_root,
      rest.deposit_head,
      BigInt(rest.next_account) + 2n ** 32n * BigInt(rest.next_pool) + 2n ** 64n * BigInt(rest.deposit_count),
      BigInt(s.chain_id) + 2n ** 32n * BigInt(number) + 2n ** 80n * BigInt(before.account_depth) + 2n ** 88n * BigInt(before.pool_depth),
    );
  const result = structuredClone(file);
  Object.assign(result.statement, {
    pre_state_root: elementToHex(root(s.batch_number - 1, before, before)),
    post_state_root: elementToHex(root(s.batch_number, after, last)),
    data_hash: elementToHex(dataOfSegments(segments.map(({ data }) => data))),
    deposit_head: elementToHex(last.deposit_head),
    withdrawals_root: elementToHex(withdrawalsOfSegments(segments.map(({ withdrawals }) => withdrawals))),
  });
  return balanced(result);
}

const openStatement = Object.fromEntries(
  ['pre_state_root', 'post_state_root', 'data_hash', 'deposit_head', 'withdrawals_root'].map((name) => [name, made(0)]),
);

/** The batch with a last sum under which all sums are those of the roots' records. */
export function balanced(file) {
  const result = structuredClone(file);
  const { alpha, gamma } = challenge(readOpen(result));
  const { before, after, pools_touched } = readOpen(result);
  const share = (id, from, to) => inverse(gamma - (3n + alpha * id + pow(alpha, 2n) * from + pow(alpha, 3n) * to));
  let rest = share(8n ** BigInt(10 - before.account_depth), before.account_root, after.account_root);
  if (pools_touched) rest += share(2n * 8n ** BigInt(10 - before.pool_depth), before.pool_root, after.pool_root);
  const parts = [...result.segments, ...result.state_parts];
  for (const { sum } of parts.slice(0, -1)) rest -= elementFromHex(sum);
  parts.at(-1).sum = elementToHex(mod(rest));
  return result;
}

/** Every change of one thing of a JSON value, as [what, changed value]. */
export function* changes(value, where = '') {
  if (typeof value === 'number') {
    yield [`${where} + 1`, value + 1];
    if (value > 0) yield [`${where} - 1`, value - 1];
  } else if (typeof value === 'boolean') {
    yield [`not ${where}`, !value];
  } else if (typeof value === 'string') {
    yield* changesOfText(value, where);
  } else if (Array.isArray(value)) {
    if (value.length > 0) {
      yield [`${where} without the last`, value.slice(0, -1)];
      yield [`${where} without the first`, value.slice(1)];
      yield [`${where} doubled`, [...value, ...value]];
      yield [`${where}, the last one twice`, [...value, value.at(-1)]];
    }
    const reversed = value.toReversed();
    if (JSON.stringify(reversed) !== JSON.stringify(value)) yield [`${where} reversed`, reversed];
    for (const [i, item] of value.entries()) {
      for (const [what, changed] of changes(item, `${where}[${i}]`)) yield [what, value.with(i, changed)];
    }
  } else {
    for (const [name, item] of Object.entries(value)) {
      for (const [what, changed] of changes(item, `${where}.${name}`)) yield [what, { ...value, [name]: changed }];
    }
  }
}

function* changesOfText(text, where) {
  if (text.startsWith('0x')) {
    const n = BigInt(text);
    yield [`${where} + 1`, elementToHex(mod(n + 1n))];
    yield [`${where} - 1`, elementToHex(mod(n - 1n))];
    yield [`${where} + r`, `0x${(n + R).toString(16).padStart(64, '0')}`];
  } else if (/^[0-9a-f]{64}$/.test(text)) {
    yield [`${where} + 1`, ((BigInt(`0x${text}`) + 1n) % 2n ** 256n).toString(16).padStart(64, '0')];
  } else if (/^[0-9]+$/.test(text)) {
    yield [`${where} + 1`, String(BigInt(text) + 1n)];
    yield [`${where} with a zero in front`, `0${text}`];
  } else {
    yield [`${where}, another word`, text === 'segment' ? 'state' : 'segment'];
  }
}
