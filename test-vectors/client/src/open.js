// MEMORY.md, section 12: open batches, all that is verified of one before its proofs.

import { elementFromHex, elementToHex, fromBytesBE, fromHex, inverse, mod, pack, pow, toBytesBE } from './field.js';
import { hash } from './poseidon.js';
import { statementBytes, tagged } from './statement.js';

/** A rule that does not hold. `step` is its number in "Verification", 0 where the batch has not even its form. */
export class NotOpen extends Error {
  constructor(step, what, expected, found) {
    super(`step ${step}: ${what}: expected ${expected}, found ${found}`);
    this.step = step;
  }
}

const must = (holds, step, what, expected, found) => {
  if (!holds) throw new NotOpen(step, what, expected, found);
};
const shown = (value) => (typeof value === 'bigint' ? elementToHex(value) : value);
const mustEqual = (step, what, expected, found) => must(expected === found, step, what, shown(expected), shown(found));
const mustBe = (step, what, least, most, found) =>
  must(found >= least && found <= most, step, what, `a number from ${least} to ${most}`, found);

// The form of a file. Numbers have no ranges here but those of numbers; elements are below r.

const object = (fields) => (value, where) => {
  must(value !== null && typeof value === 'object' && !Array.isArray(value), 0, where, 'an object', JSON.stringify(value));
  mustEqual(0, `${where}, fields`, Object.keys(fields).sort().join(), Object.keys(value).sort().join());
  return Object.fromEntries(Object.entries(fields).map(([name, read]) => [name, read(value[name], `${where}.${name}`)]));
};
const list = (read, length) => (value, where) => {
  must(Array.isArray(value), 0, where, 'a list', JSON.stringify(value));
  if (length !== undefined) mustEqual(0, `${where}, length`, length, value.length);
  return value.map((item, i) => read(item, `${where}[${i}]`));
};
const plain = (expected, matches) => (value, where) => {
  must(matches(value), 0, where, expected, JSON.stringify(value));
  return value;
};
const converted = (expected, convert) => (value, where) => {
  try {
    return convert(value);
  } catch {
    throw new NotOpen(0, where, expected, JSON.stringify(value));
  }
};
const number = plain('a number', (n) => Number.isSafeInteger(n) && n >= 0);
const element = converted('an element', elementFromHex);
const id = converted('32 bytes', (text) => fromHex(text, 32).toString('hex'));
const amount = (value, where) => BigInt(plain('a decimal string', (s) => typeof s === 'string' && /^(0|[1-9][0-9]{0,77})$/.test(s))(value, where));
const ROLES = { segment: 1, state: 2 };
const role = plain('segment or state', (name) => Object.hasOwn(ROLES, name));
const key = (value, where) => {
  list((item) => item, 2)(value, where);
  return [role(value[0], `${where}, role`), id(value[1], `${where}, id`)];
};
const SLOTS = 8;

const registers = object({
  withdrawals: number,
  deposit_head: element,
  next_account: number,
  next_pool: number,
  deposit_count: number,
  time: number,
  fees: list(amount, SLOTS),
});

const open = object({
  key_set: object({ circuit_version: number, keys: list(key) }),
  statement: object({
    chain_id: number,
    batch_number: number,
    pre_state_root: element,
    post_state_root: element,
    data_hash: element,
    deposit_head: element,
    withdrawals_root: element,
  }),
  before: object({
    account_depth: number,
    pool_depth: number,
    next_account: number,
    next_pool: number,
    deposit_count: number,
    account_root: element,
    pool_root: element,
    deposit_head: element,
  }),
  after: object({ account_root: element, pool_root: element }),
  operator: number,
  fee_tokens: list(number, SLOTS),
  pools_touched: plain('a boolean', (b) => typeof b === 'boolean'),
  segments: list(object({ key: id, h: element, data: element, withdrawals: element, after: registers, sum: element })),
  state_parts: list(object({ key: id, h: element, sum: element })),
});

/** The open batch of a file: the fields of the file that are no results. */
export function readOpen(file) {
  const { key_set_id: _id, alpha: _alpha, gamma: _gamma, inputs: _inputs, ...given } = file;
  return open(given, 'batch');
}

/** In hexadecimal; throws where the keys are not those of a key set. */
export function keySetId({ circuit_version, keys }) {
  mustBe(1, 'key set, circuit version', 0, 2 ** 32 - 1, circuit_version);
  mustBe(1, 'key set, number of keys', 2, 256, keys.length);
  for (const name of Object.keys(ROLES)) {
    must(keys.some(([role]) => role === name), 1, 'key set', `a key of the role ${name}`, 'none');
  }
  const places = keys.map(([role, id]) => `${ROLES[role]} ${id}`);
  places.forEach((place, i) => {
    must(i === 0 || places[i - 1] < place, 1, `key set, key ${i}`, `one after (role, id) ${places[i - 1]}`, place);
  });
  mustEqual(1, 'key set, number of different ids', keys.length, new Set(keys.map(([, id]) => id)).size);
  return tagged(
    'Tapstone/keys/v1',
    toBytesBE(circuit_version, 4),
    toBytesBE(keys.length, 2),
    ...keys.flatMap(([role, id]) => [toBytesBE(ROLES[role], 1), Buffer.from(id, 'hex')]),
  ).toString('hex');
}

const element32 = (n) => toBytesBE(n, 32);

export const registersBytes = (r) =>
  Buffer.concat([
    toBytesBE(r.withdrawals, 4),
    element32(r.deposit_head),
    toBytesBE(r.next_account, 4),
    toBytesBE(r.next_pool, 4),
    toBytesBE(r.deposit_count, 8),
    toBytesBE(r.time, 4),
    ...r.fees.map((total) => toBytesBE(total, 16)),
  ]);

const statementOf = (s) => ({
  chainId: s.chain_id,
  batchNumber: s.batch_number,
  preStateRoot: s.pre_state_root,
  postStateRoot: s.post_state_root,
  dataHash: s.data_hash,
  depositHead: s.deposit_head,
  withdrawalsRoot: s.withdrawals_root,
});

/** What is hashed to rho, after its tag. */
export const challengeBytes = (batch) =>
  Buffer.concat([
    Buffer.from(keySetId(batch.key_set), 'hex'),
    statementBytes(statementOf(batch.statement)),
    toBytesBE(batch.before.account_depth, 1),
    toBytesBE(batch.before.pool_depth, 1),
    toBytesBE(batch.before.next_account, 4),
    toBytesBE(batch.before.next_pool, 4),
    toBytesBE(batch.before.deposit_count, 8),
    element32(batch.before.account_root),
    element32(batch.before.pool_root),
    element32(batch.before.deposit_head),
    element32(batch.after.account_root),
    element32(batch.after.pool_root),
    toBytesBE(batch.operator, 4),
    ...batch.fee_tokens.map((token) => toBytesBE(token, 4)),
    toBytesBE(batch.pools_touched ? 1 : 0, 1),
    toBytesBE(batch.segments.length, 4),
    ...batch.segments.flatMap((s) => [
      Buffer.from(s.key, 'hex'),
      element32(s.h),
      element32(s.data),
      element32(s.withdrawals),
      registersBytes(s.after),
    ]),
    toBytesBE(batch.state_parts.length, 4),
    ...batch.state_parts.flatMap((p) => [Buffer.from(p.key, 'hex'), element32(p.h)]),
  ]);

export function challenge(batch) {
  const rho = tagged('Tapstone/rho/v1', challengeBytes(batch));
  const below253Bits = (tag) => fromBytesBE(tagged(tag, rho)) % 2n ** 253n;
  return { rho, alpha: below253Bits('Tapstone/alpha/v1'), gamma: below253Bits('Tapstone/gamma/v1') };
}

export const firstRegisters = ({ before }) => ({
  withdrawals: 0,
  deposit_head: before.deposit_head,
  next_account: before.next_account,
  next_pool: before.next_pool,
  deposit_count: before.deposit_count,
  time: 0,
  fees: Array(SLOTS).fill(0n),
});

const registersElements = (r) =>
  [r.withdrawals, r.deposit_head, r.next_account, r.next_pool, r.deposit_count, r.time, ...r.fees].map(BigInt);

/** The public inputs of every part: of the segments in order, then of the state parts. */
export function partInputs(batch, { alpha, gamma }) {
  const { statement, before, segments } = batch;
  const ofSegment = ({ h, data, withdrawals, after, sum }, i) => [
    BigInt(statement.chain_id),
    BigInt(statement.batch_number),
    BigInt(batch.operator),
    8n ** BigInt(before.account_depth),
    i === segments.length - 1 ? 1n : 0n,
    alpha,
    gamma,
    h,
    sum,
    data,
    withdrawals,
    ...batch.fee_tokens.map(BigInt),
    ...registersElements(i === 0 ? firstRegisters(batch) : segments[i - 1].after),
    ...registersElements(after),
  ];
  return [...segments.map(ofSegment), ...batch.state_parts.map(({ h, sum }) => [alpha, gamma, h, sum])];
}

/** PROTOCOL.md, section 8: the root over leaves of segments. What is not there is 0, not a node of zeros. */
function top(leaves) {
  let level = leaves;
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 8) {
      const children = level.slice(i, i + 8);
      above.push(hash.node(...children, ...Array(8 - children.length).fill(0n)));
    }
    level = above;
  }
  return level[0];
}

const overSegments = (ofSeveral) => (leaves) =>
  leaves.length === 1 ? leaves[0] : ofSeveral(BigInt(leaves.length), top(leaves));
export const dataOfSegments = overSegments(hash.segmentsData);
export const withdrawalsOfSegments = overSegments(hash.segmentsWithdrawals);

function checkKeys(batch, pinned) {
  mustEqual(1, 'key set id', pinned, keySetId(batch.key_set));
  const parts = batch.segments.length + batch.state_parts.length;
  mustBe(1, 'number of segments', 1, 2 ** 16, batch.segments.length);
  mustBe(1, 'number of parts', 1, 2 ** 16, parts);
  const named = (role, what) => ({ key }, i) => {
    const known = batch.key_set.keys.some(([r, id]) => r === role && id === key);
    must(known, 1, `key of ${what} ${i}`, `one of the key set with the role ${role}`, key);
  };
  batch.segments.forEach(named('segment', 'segment'));
  batch.state_parts.forEach(named('state', 'state part'));
}

function stateRoot({ chain_id }, number, depths, roots, rest) {
  const counters = pack([rest.next_account, 0, 32], [rest.next_pool, 32, 32], [rest.deposit_count, 64, 48]);
  const meta = pack([chain_id, 0, 32], [number, 32, 48], [depths.account_depth, 80, 8], [depths.pool_depth, 88, 8]);
  return hash.stateRoot(roots.account_root, roots.pool_root, rest.deposit_head, counters, meta);
}

function checkRoots({ statement, before, after, segments, pools_touched }) {
  mustBe(2, 'batch number', 1, 2 ** 48 - 1, statement.batch_number);
  mustBe(2, 'chain id', 0, 2 ** 32 - 1, statement.chain_id);
  mustBe(2, 'depth of the account tree', 1, 10, before.account_depth);
  mustBe(2, 'depth of the pool tree', 1, 9, before.pool_depth);
  const opened = (what, expected, number, roots, rest) => {
    for (const counter of ['next_account', 'next_pool']) mustBe(2, `${what}, ${counter}`, 0, 2 ** 32 - 1, rest[counter]);
    mustBe(2, `${what}, deposit_count`, 0, 2 ** 48 - 1, rest.deposit_count);
    mustEqual(2, `${what}, root`, expected, stateRoot(statement, number, before, roots, rest));
  };
  opened('state before', statement.pre_state_root, statement.batch_number - 1, before, before);
  opened('state after', statement.post_state_root, statement.batch_number, after, segments.at(-1).after);
  if (!pools_touched) mustEqual(2, 'pool root after, no pool touched', before.pool_root, after.pool_root);
}

function checkRanges({ before, operator, fee_tokens, segments }) {
  mustBe(3, 'operator', 0, 2 ** 30 - 1, operator);
  fee_tokens.forEach((token, i) => {
    mustBe(3, `fee token ${i}`, i === 0 ? 1 : fee_tokens[i - 1] + 1, 2 ** 30 - 1, token);
  });
  segments.forEach(({ after }, i) => {
    const where = `after segment ${i}`;
    mustBe(3, `withdrawals ${where}`, 0, 2 ** 20, after.withdrawals);
    mustBe(3, `next_account ${where}`, 0, 8 ** before.account_depth, after.next_account);
    mustBe(3, `next_pool ${where}`, 0, 8 ** before.pool_depth, after.next_pool);
    mustBe(3, `deposit_count ${where}`, 0, 2 ** 48 - 1, after.deposit_count);
    mustBe(3, `time ${where}`, 0, 2 ** 32 - 1, after.time);
    after.fees.forEach((total, token) => mustBe(3, `total ${token} of fees ${where}`, 0n, 2n ** 120n - 1n, total));
  });
}

function checkSegments({ statement, operator, segments }) {
  const start = hash.dataStart(BigInt(operator));
  if (segments.length > 1) {
    segments.forEach(({ data }, i) => must(data !== start, 4, `data of segment ${i}`, 'a transaction', 'the start alone'));
  }
  mustEqual(4, 'data hash', statement.data_hash, dataOfSegments(segments.map((s) => s.data)));
  mustEqual(4, 'withdrawals root', statement.withdrawals_root, withdrawalsOfSegments(segments.map((s) => s.withdrawals)));
  mustEqual(4, 'deposit head after the last segment', statement.deposit_head, segments.at(-1).after.deposit_head);
}

/** What the sums of all parts have to add up to; throws where a root's record meets the challenge. */
export function rootsShare({ before, after, pools_touched }, { alpha, gamma }) {
  const share = (what, digit, depth, root) => {
    const record = [3n, digit * 8n ** BigInt(10 - depth), before[root], after[root]];
    const distance = mod(gamma - record.reduce((f, x, i) => f + pow(alpha, BigInt(i)) * x, 0n));
    must(distance !== 0n, 5, `fingerprint of the root of the ${what} tree`, 'another number than gamma', 'gamma');
    return inverse(distance);
  };
  const accounts = share('account', 1n, before.account_depth, 'account_root');
  return mod(accounts + (pools_touched ? share('pool', 2n, before.pool_depth, 'pool_root') : 0n));
}

function checkBalance(batch, made) {
  const sum = mod([...batch.segments, ...batch.state_parts].reduce((all, part) => all + part.sum, 0n));
  mustEqual(5, 'sum of all sums', rootsShare(batch, made), sum);
}

/** Steps 1 to 5 on what `readOpen` has read; `pinned` is in hexadecimal. Proofs are left to verify over `inputs`. */
export function checkOpen(batch, pinned) {
  checkKeys(batch, pinned);
  checkRoots(batch);
  checkRanges(batch);
  checkSegments(batch);
  const made = challenge(batch);
  checkBalance(batch, made);
  return { ...made, inputs: partInputs(batch, made) };
}
