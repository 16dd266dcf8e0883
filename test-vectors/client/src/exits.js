// Section 13: exit proofs, made from a state, and verified.
//
// A proof is what its JSON form holds, but with elements and amounts as BigInt and 32-byte strings as Buffer.

import { EMPTY_ACCOUNT, LP_BASE, MAX_AMOUNT, NATIVE, accountLeaf, isOrdinary } from './account.js';
import { R, elementToHex, fromBytesBE, pack, toBytesBE } from './field.js';
import { packPoint, unpackPoint } from './keys.js';
import { EMPTY_POOL, LOCKED_SHARES, poolLeaf } from './pool.js';
import { hash } from './poseidon.js';
import { rootAbove, treePaths } from './tree.js';
import { withdrawalStep, withdrawalsStart } from './withdrawals.js';

/** A fault, with the code of section 13.3. */
export class BadExit extends Error {
  constructor(code) {
    super(`code ${code}`);
    this.name = 'BadExit';
    this.code = code;
  }
}

function must(condition, code) {
  if (!condition) throw new BadExit(code);
}

const NUMBER_END = 2n ** 48n;
const WITHDRAWALS_END = 2 ** 20;
const within = (n, least, end) => must(BigInt(n) >= BigInt(least) && BigInt(n) < BigInt(end), 906);
const mapValues = (map, f) => new Map([...map].map(([key, value]) => [key, f(value)]));

// Making proofs.

export function stateFields(state) {
  return {
    chain_id: state.chainId,
    batch_number: state.batchNumber,
    account_depth: state.accountDepth,
    pool_depth: state.poolDepth,
    next_account: state.nextAccount,
    next_pool: state.nextPool,
    deposit_count: state.depositCount,
    account_root: state.accountRoot(),
    pool_root: state.poolRoot(),
    deposit_head: state.depositHead,
  };
}

/** Makers of the proofs of one state. */
export function exitsOf(state) {
  const fields = stateFields(state);
  const accountPath = treePaths(state.accountDepth, mapValues(state.accounts, accountLeaf), accountLeaf(EMPTY_ACCOUNT));
  const poolPath = treePaths(state.poolDepth, mapValues(state.pools, poolLeaf), poolLeaf(EMPTY_POOL));
  const opening = (index) => {
    const { token0, token1, fee, reserve0, reserve1, supply } = state.pools.get(index);
    return { index, pool: { token0, token1, fee_bp: fee, reserve0, reserve1, supply }, path: poolPath(index) };
  };
  return {
    account(index) {
      const { x, y, nonce, tokens, balances } = state.accounts.get(index);
      return {
        format: 'tapstone-account-proof/1',
        state: fields,
        index,
        account: { key: packPoint({ x, y }), nonce, tokens: tokens.slice(1), balances: [...balances] },
        path: accountPath(index),
        pools: tokens.filter((token) => token >= LP_BASE).map((token) => opening(token - LP_BASE)),
      };
    },
    pool: (index) => ({ format: 'tapstone-pool-proof/1', state: fields, opening: opening(index) }),
  };
}

export function withdrawalExit(chainId, batchNumber, withdrawals, position) {
  const plain = withdrawals.map(({ account, token, amount, refund, destination }) => ({
    account,
    token,
    amount,
    refund: Boolean(refund),
    destination,
  }));
  const before = plain.slice(0, position).reduce((w, item, i) => withdrawalStep(w, i, item), withdrawalsStart(chainId, batchNumber));
  return {
    format: 'tapstone-withdrawal-proof/1',
    chain_id: chainId,
    batch_number: batchNumber,
    position,
    withdrawal: plain[position],
    before,
    later: plain.slice(position + 1),
  };
}

/** The JSON form: strings for elements, amounts and bytes. */
export function exitJson(proof) {
  const elements = new Set(['account_root', 'pool_root', 'deposit_head', 'path', 'before']);
  const convert = (value, key) => {
    if (Buffer.isBuffer(value)) return value.toString('hex');
    if (typeof value === 'bigint') return elements.has(key) ? elementToHex(value) : value.toString();
    if (Array.isArray(value)) return value.map((item) => convert(item, key));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, convert(item, name)]));
  };
  return convert(proof, '');
}

// Bytes.

const be = (n, k) => toBytesBE(n, k);
const elementBytes = (n) => be(n, 32);
const pathBytes = (path) => path.flat().map(elementBytes);

const stateBytes = (s) => [
  be(s.chain_id, 4),
  be(s.batch_number, 8),
  be(s.account_depth, 1),
  be(s.pool_depth, 1),
  be(s.next_account, 4),
  be(s.next_pool, 4),
  be(s.deposit_count, 8),
  ...[s.account_root, s.pool_root, s.deposit_head].map(elementBytes),
];

const openingBytes = ({ index, pool, path }) => [
  be(index, 4),
  be(pool.token0, 4),
  be(pool.token1, 4),
  be(pool.fee_bp, 2),
  ...[pool.reserve0, pool.reserve1, pool.supply].map((n) => be(n, 12)),
  ...pathBytes(path),
];

const withdrawalBytes = (w) => [be(w.account, 4), be(w.token, 4), be(w.amount, 12), be(w.refund ? 1 : 0, 1), w.destination];

export const accountExitBytes = (proof) =>
  Buffer.concat([
    Buffer.from('TSXA'),
    be(1, 4),
    ...stateBytes(proof.state),
    be(proof.index, 4),
    proof.account.key,
    be(proof.account.nonce, 8),
    ...proof.account.tokens.map((t) => be(t, 4)),
    ...proof.account.balances.map((b) => be(b, 12)),
    ...pathBytes(proof.path),
    be(proof.pools.length, 1),
    ...proof.pools.flatMap(openingBytes),
  ]);

export const poolExitBytes = (proof) =>
  Buffer.concat([Buffer.from('TSXP'), be(1, 4), ...stateBytes(proof.state), ...openingBytes(proof.opening)]);

export const withdrawalExitBytes = (proof) =>
  Buffer.concat([
    Buffer.from('TSXW'),
    be(1, 4),
    be(proof.chain_id, 4),
    be(proof.batch_number, 8),
    be(proof.position, 4),
    ...withdrawalBytes(proof.withdrawal),
    elementBytes(proof.before),
    be(proof.later.length, 4),
    ...proof.later.flatMap(withdrawalBytes),
  ]);

class Input {
  constructor(bytes, magic) {
    this.rest = bytes;
    const found = this.take(4);
    must(found.toString('latin1') === magic, 901);
    must(this.number(4) === 1, 902);
  }

  take(count) {
    must(this.rest.length >= count, 903);
    const taken = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    return taken;
  }

  big(count) {
    return fromBytesBE(this.take(count));
  }

  number(count) {
    return Number(this.big(count));
  }

  element() {
    const n = this.big(32);
    must(n < R, 905);
    return n;
  }

  list(count, read) {
    return [...Array(count).keys()].map(() => read());
  }

  path(depth) {
    must(this.rest.length >= 224 * depth, 903);
    return this.list(depth, () => this.list(7, () => this.element()));
  }

  state() {
    const state = {
      chain_id: this.number(4),
      batch_number: this.big(8),
      account_depth: this.number(1),
      pool_depth: this.number(1),
      next_account: this.number(4),
      next_pool: this.number(4),
      deposit_count: this.big(8),
      account_root: this.element(),
      pool_root: this.element(),
      deposit_head: this.element(),
    };
    checkState(state);
    return state;
  }

  opening(state) {
    return {
      index: this.number(4),
      pool: {
        token0: this.number(4),
        token1: this.number(4),
        fee_bp: this.number(2),
        reserve0: this.big(12),
        reserve1: this.big(12),
        supply: this.big(12),
      },
      path: this.path(state.pool_depth),
    };
  }

  withdrawal() {
    const [account, token, amount] = [this.number(4), this.number(4), this.big(12)];
    const flag = this.number(1);
    must(flag <= 1, 915);
    return { account, token, amount, refund: flag === 1, destination: this.take(32) };
  }

  end() {
    must(this.rest.length === 0, 904);
  }
}

// Checks, in the order of section 13.3.

function checkState(s) {
  within(s.batch_number, 0, NUMBER_END);
  must(s.account_depth >= 1 && s.account_depth <= 10, 907);
  must(s.pool_depth >= 1 && s.pool_depth <= 9, 907);
  within(s.next_account, 0, 8 ** s.account_depth + 1);
  within(s.next_pool, 0, 8 ** s.pool_depth + 1);
  within(s.deposit_count, 0, NUMBER_END);
}

function checkOpening(state, { index, pool, path }) {
  must(index < state.next_pool, 909);
  within(pool.token0, 1, LP_BASE);
  within(pool.token1, pool.token0 + 1, LP_BASE);
  within(pool.fee_bp, 0, 10_000);
  within(pool.reserve0, 1, MAX_AMOUNT + 1n);
  within(pool.reserve1, 1, MAX_AMOUNT + 1n);
  within(pool.supply, LOCKED_SHARES, MAX_AMOUNT + 1n);
  must(path.length === state.pool_depth, 908);
}

function keyOf(bytes) {
  try {
    const key = unpackPoint(bytes);
    if (key.x !== 0n) return key;
  } catch {
    // Refused below, like x = 0.
  }
  throw new BadExit(910);
}

function checkAccount({ tokens, balances }) {
  balances.forEach((b) => within(b, 0, MAX_AMOUNT + 1n));
  tokens.forEach((token, i) => {
    must(token !== NATIVE && token < 2 ** 30 && (token === 0) === (balances[i + 1] === 0n), 911);
    must(token === 0 || tokens.indexOf(token) === i, 912);
  });
}

const openPool = (state, { index, pool, path }) =>
  must(rootAbove(index, poolLeaf({ ...pool, fee: pool.fee_bp }), path) === state.pool_root, 952);

function checkStateRoot(s, root) {
  const counters = pack([s.next_account, 0, 32], [s.next_pool, 32, 32], [s.deposit_count, 64, 48]);
  const meta = pack([s.chain_id, 0, 32], [s.batch_number, 32, 48], [s.account_depth, 80, 8], [s.pool_depth, 88, 8]);
  must(hash.stateRoot(s.account_root, s.pool_root, s.deposit_head, counters, meta) === root, 953);
}

const where = (state) => ({ chain_id: state.chain_id, batch_number: Number(state.batch_number) });

/** What an account holds, by the bytes of its proof and a state root. */
export function verifyAccountExit(bytes, root) {
  const input = new Input(bytes, 'TSXA');
  const state = input.state();
  const index = input.number(4);
  const account = {
    key: input.take(32),
    nonce: input.big(8),
    tokens: input.list(7, () => input.number(4)),
    balances: input.list(8, () => input.big(12)),
  };
  const path = input.path(state.account_depth);
  const pools = input.list(input.number(1), () => input.opening(state));
  input.end();

  must(index < state.next_account, 909);
  const key = keyOf(account.key);
  checkAccount(account);
  const shares = account.tokens
    .map((token, i) => ({ pool: token - LP_BASE, held: account.balances[i + 1] }))
    .filter(({ pool }) => pool >= 0);
  for (let i = 0; i < Math.max(shares.length, pools.length); i++) {
    must(shares[i]?.pool === pools[i]?.index, 913);
    checkOpening(state, pools[i]);
    must(shares[i].held <= pools[i].pool.supply - LOCKED_SHARES, 914);
  }
  const leaf = accountLeaf({ ...key, nonce: account.nonce, tokens: [0, ...account.tokens], balances: account.balances });
  must(rootAbove(index, leaf, path) === state.account_root, 951);
  pools.forEach((opening) => openPool(state, opening));
  checkStateRoot(state, root);

  const worth = ({ pool, held }, i) => {
    const { token0, token1, reserve0, reserve1, supply } = pools[i].pool;
    const part = (reserve) => ((held * reserve) / supply).toString();
    return { pool, shares: held.toString(), token0, amount0: part(reserve0), token1, amount1: part(reserve1) };
  };
  const ids = [NATIVE, ...account.tokens];
  return {
    ...where(state),
    index,
    key: account.key.toString('hex'),
    nonce: account.nonce.toString(),
    holdings: ids
      .map((token, i) => ({ token, balance: account.balances[i].toString() }))
      .filter(({ balance }) => balance !== '0'),
    shares: shares.map(worth),
  };
}

/** Reserves and supply of a pool, by the bytes of its proof and a state root. */
export function verifyPoolExit(bytes, root) {
  const input = new Input(bytes, 'TSXP');
  const state = input.state();
  const opening = input.opening(state);
  input.end();
  checkOpening(state, opening);
  openPool(state, opening);
  checkStateRoot(state, root);
  return { ...where(state), index: opening.index, pool: exitJson(opening.pool) };
}

/** One withdrawal, by the bytes of its proof and what is known of its batch. */
export function verifyWithdrawalExit(bytes, { chainId, batchNumber, withdrawalsRoot }) {
  const input = new Input(bytes, 'TSXW');
  const [chain, batch, position] = [input.number(4), input.big(8), input.number(4)];
  const withdrawal = input.withdrawal();
  const before = input.element();
  const count = input.number(4);
  must(input.rest.length >= 53 * count, 903);
  const later = input.list(count, () => input.withdrawal());
  input.end();
  within(batch, 1, NUMBER_END);
  within(position, 0, WITHDRAWALS_END);
  within(count, 0, WITHDRAWALS_END - position);
  for (const { account, token, amount } of [withdrawal, ...later]) {
    within(account, 0, 2 ** 30);
    must(isOrdinary(token), 906);
    within(amount, 1, MAX_AMOUNT + 1n);
  }
  must(chain === chainId, 954);
  must(batch === BigInt(batchNumber), 955);
  must(position !== 0 || before === withdrawalsStart(chain, batch), 956);
  const root = [withdrawal, ...later].reduce((w, item, i) => withdrawalStep(w, position + i, item), before);
  must(root === withdrawalsRoot, 957);
  return { position, count: position + 1 + count, withdrawal: exitJson(withdrawal) };
}
