// Writes test-vectors/exits: proofs of accounts, pools and withdrawals of the shipped batches, and proofs that are refused.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readBatchFile } from './src/batchfile.js';
import {
  BadExit,
  accountExitBytes,
  exitJson,
  exitsOf,
  poolExitBytes,
  verifyAccountExit,
  verifyPoolExit,
  verifyWithdrawalExit,
  withdrawalExit,
  withdrawalExitBytes,
} from './src/exits.js';
import { R, elementToHex, toBytesBE } from './src/field.js';
import { jsonText } from './src/json.js';
import { executeFile } from './src/sequencer.js';
import { shapeOf } from './src/shapes.js';
import { State } from './src/state.js';
import { STORIES } from './stories/index.js';

const NAMES = ['tiny-chain', 'tiny-kinds', 'small-kinds'];
const ACCOUNTS = 6;

/** The batches of a story, from its text alone. */
export function batchesOf(name) {
  const [shapeName, tell] = STORIES[name];
  const [shape, file] = [shapeOf(shapeName), readBatchFile(tell().file())];
  return executeFile(shape, State.genesis(shape, file.header.chain_id), file);
}

/** `bytes` with some replaced from `at` on. */
const patched = (bytes, at, put) => Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + put.length)]);
const flipped = (bytes, at) => patched(bytes, at, Buffer.from([bytes[at] ^ 1]));
const without = (bytes, from, count) => Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + count)]);

// Offsets of section 13.
const AT = {
  batch: 12, accountDepth: 20, poolDepth: 21, nextAccount: 22, nextPool: 26, deposits: 30,
  accountRoot: 38, poolRoot: 70, depositHead: 102, index: 134,
  key: 138, nonce: 170, tokens: 178, balances: 206, path: 302,
};

function refusedAccounts(proof) {
  const good = accountExitBytes(proof);
  const poolsAt = AT.path + 224 * proof.state.account_depth;
  const slot = proof.account.tokens.findIndex((t) => t !== 0);
  const empty = proof.account.tokens.indexOf(0);
  const cases = {
    'another magic': flipped(good, 0),
    'another version': flipped(good, 7),
    'a byte short': good.subarray(0, -1),
    'nothing at all': Buffer.alloc(0),
    'a byte more': Buffer.concat([good, Buffer.from([0])]),
    'another chain': flipped(good, 11),
    'another batch': flipped(good, AT.batch + 7),
    'a batch out of range': patched(good, AT.batch, Buffer.from([0, 1])),
    'no account depth': patched(good, AT.accountDepth, Buffer.from([0])),
    'account depth 11': patched(good, AT.accountDepth, Buffer.from([11])),
    'pool depth 10': patched(good, AT.poolDepth, Buffer.from([10])),
    'one more account': patched(good, AT.nextAccount, toBytesBE(proof.state.next_account + 1, 4)),
    'more accounts than leaves': patched(good, AT.nextAccount, toBytesBE(8 ** proof.state.account_depth + 1, 4)),
    'more pools than leaves': patched(good, AT.nextPool, toBytesBE(8 ** proof.state.pool_depth + 1, 4)),
    'one more deposit': patched(good, AT.deposits, toBytesBE(BigInt(proof.state.deposit_count) + 1n, 8)),
    'deposits out of range': patched(good, AT.deposits, Buffer.from([0, 1])),
    'another account root': flipped(good, AT.accountRoot + 31),
    'an account root that is no element': patched(good, AT.accountRoot, toBytesBE(R, 32)),
    'another deposit head': flipped(good, AT.depositHead + 31),
    'another index': flipped(good, AT.index + 3),
    'an index that does not exist': patched(good, AT.index, toBytesBE(proof.state.next_account, 4)),
    'the key of nobody': patched(good, AT.key, Buffer.alloc(32)),
    'the identity as key': patched(good, AT.key, Buffer.concat([Buffer.from([1]), Buffer.alloc(31)])),
    'a key that is not canonical': patched(good, AT.key, Buffer.alloc(32, 0xff)),
    'the negative key': patched(good, AT.key + 31, Buffer.from([good[AT.key + 31] ^ 0x80])),
    'another nonce': flipped(good, AT.nonce + 7),
    'one more of the native token': flipped(good, AT.balances + 11),
    'one more in a slot': flipped(good, AT.balances + 12 * (slot + 1) + 11),
    'the native token in a slot': patched(good, AT.tokens + 4 * slot, toBytesBE(1, 4)),
    'a token out of range': patched(good, AT.tokens + 4 * slot, toBytesBE(2 ** 30, 4)),
    'a token without a balance': patched(good, AT.tokens + 4 * empty, toBytesBE(77, 4)),
    'another sibling': flipped(good, AT.path + 31),
    'a sibling that is no element': patched(good, AT.path, toBytesBE(R, 32)),
    'siblings exchanged': patched(patched(good, AT.path, good.subarray(AT.path + 192, AT.path + 224)), AT.path + 192, good.subarray(AT.path, AT.path + 32)),
    'a level less': without(good, AT.path, 224),
  };
  if (proof.pools.length > 0) {
    const size = 50 + 224 * proof.state.pool_depth;
    const first = poolsAt + 1;
    const balance = AT.balances + 12 * (proof.account.tokens.indexOf(2 ** 29 + proof.pools[0].index) + 1);
    Object.assign(cases, {
      'a pool too few': patched(without(good, first, size), poolsAt, Buffer.from([proof.pools.length - 1])),
      'a pool twice': patched(
        Buffer.concat([good, good.subarray(first, first + size)]), poolsAt, Buffer.from([proof.pools.length + 1])),
      'another pool': flipped(good, first + 3),
      'a pool that is no pool': patched(good, first + 4, Buffer.alloc(4)),
      'another reserve': flipped(good, first + 25),
      'another supply': flipped(good, first + 49),
      'a sibling of the pool': flipped(good, first + 50 + 31),
      'another pool root': flipped(good, AT.poolRoot + 31),
      'more shares than circulate': patched(good, balance, toBytesBE(2n ** 96n - 1n, 12)),
    });
  }
  return cases;
}

function refusedPools(proof) {
  const good = poolExitBytes(proof);
  const leaf = AT.index + 4;
  return {
    'an account as a pool': patched(good, 0, Buffer.from('TSXA')),
    'a byte more': Buffer.concat([good, Buffer.from([0])]),
    'a level less': without(good, leaf + 46, 224),
    'a pool that does not exist': patched(good, AT.index, toBytesBE(proof.state.next_pool, 4)),
    'tokens out of order': patched(patched(good, leaf, good.subarray(leaf + 4, leaf + 8)), leaf + 4, good.subarray(leaf, leaf + 4)),
    'a fee of everything': patched(good, leaf + 8, toBytesBE(10_000, 2)),
    'another fee': flipped(good, leaf + 9),
    'an empty reserve': patched(good, leaf + 10, Buffer.alloc(12)),
    'less than the locked shares': patched(good, leaf + 34, toBytesBE(999, 12)),
    'another supply': flipped(good, leaf + 45),
    'another chain': flipped(good, 11),
  };
}

function refusedWithdrawals(proof) {
  const good = withdrawalExitBytes(proof);
  const [position, leaf, before] = [20, 24, 77];
  return {
    'another chain': flipped(good, 11),
    'another batch': flipped(good, 19),
    'batch 0': patched(good, 12, Buffer.alloc(8)),
    'another position': flipped(good, position + 3),
    'a position out of range': patched(good, position, toBytesBE(2 ** 20, 4)),
    'another account': flipped(good, leaf + 3),
    'no token': patched(good, leaf + 4, Buffer.alloc(4)),
    'an LP token': patched(good, leaf + 4, toBytesBE(2 ** 29, 4)),
    'another amount': flipped(good, leaf + 19),
    'no amount': patched(good, leaf + 8, Buffer.alloc(12)),
    'refund or not': flipped(good, leaf + 20),
    'a flag of 2': patched(good, leaf + 20, Buffer.from([2])),
    'another destination': flipped(good, leaf + 21),
    'another start': flipped(good, before + 31),
    'a start that is no element': patched(good, before, toBytesBE(R, 32)),
    'more later ones than bytes': patched(good, before + 32, toBytesBE(2 ** 32 - 1, 4)),
    'one withdrawal less': patched(good.subarray(0, -53), before + 32, toBytesBE(proof.later.length - 1, 4)),
    'a byte more': Buffer.concat([good, Buffer.from([0])]),
  };
}

/** Each refused proof with the code that the verifier here gives it. */
function refused(cases, verify) {
  return Object.entries(cases).map(([name, bytes]) => {
    try {
      verify(bytes);
    } catch (error) {
      if (!(error instanceof BadExit)) throw error;
      return { name, code: error.code, bytes: bytes.toString('hex') };
    }
    throw new Error(`accepted: ${name}`);
  });
}

function exitsAt(name) {
  // Of deep trees the refused ones would be long, and show nothing more.
  const refusedOf = name.startsWith('tiny') ? refused : () => [];
  const batches = batchesOf(name);
  const { state, statement } = batches.at(-1);
  const root = statement.postStateRoot;
  const exits = exitsOf(state);
  const holders = [...state.accounts].filter(([, a]) => a.tokens.some((t) => t >= 2 ** 29)).map(([index]) => index);
  const indices = [...new Set([...holders, ...state.accounts.keys()])].slice(0, ACCOUNTS).sort((a, b) => a - b);
  const accounts = indices.map((index) => exits.account(index));
  const pools = [...state.pools.keys()].map((index) => exits.pool(index));

  const most = batches.reduce((a, b) => (b.withdrawals.length > a.withdrawals.length ? b : a));
  const { chainId, batchNumber, withdrawalsRoot } = most.statement;
  const known = { chainId, batchNumber, withdrawalsRoot };
  const withdrawals = most.withdrawals.map((_, i) => withdrawalExit(chainId, batchNumber, most.withdrawals, i));

  const good = (proof, bytes, verify) => ({ proof: exitJson(proof), bytes: bytes.toString('hex'), verdict: verify(bytes) });
  const [verifyAccount, verifyPool] = [(b) => verifyAccountExit(b, root), (b) => verifyPoolExit(b, root)];
  const verifyWithdrawal = (b) => verifyWithdrawalExit(b, known);
  const shareholder = accounts.find((proof) => proof.pools.length > 0) ?? accounts[0];
  return {
    made_by: 'test-vectors/client/exits.mjs',
    batches: `${name}.jsonl`,
    chain_id: chainId,
    state_root: elementToHex(root),
    accounts: accounts.map((proof) => good(proof, accountExitBytes(proof), verifyAccount)),
    accounts_refused: refusedOf(refusedAccounts(shareholder), verifyAccount),
    pools: pools.map((proof) => good(proof, poolExitBytes(proof), verifyPool)),
    pools_refused: pools.slice(0, 1).flatMap((proof) => refusedOf(refusedPools(proof), verifyPool)),
    withdrawals_batch: batchNumber,
    withdrawals_root: elementToHex(withdrawalsRoot),
    withdrawals: withdrawals.map((proof) => good(proof, withdrawalExitBytes(proof), verifyWithdrawal)),
    withdrawals_refused: withdrawals.length > 1 ? refusedOf(refusedWithdrawals(withdrawals[0]), verifyWithdrawal) : [],
  };
}

/** All files as a Map from the path below test-vectors to the text. */
export const exitFiles = () => new Map(NAMES.map((name) => [`exits/${name}.json`, jsonText(exitsAt(name))]));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = new URL('../', import.meta.url);
  mkdirSync(new URL('exits/', root), { recursive: true });
  for (const [path, text] of exitFiles()) {
    writeFileSync(new URL(path, root), text);
    console.log(`wrote test-vectors/${path}`);
  }
}
