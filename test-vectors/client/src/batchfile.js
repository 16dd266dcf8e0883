// Section 10: batch files.

import { bundlesOf } from './bundle.js';
import { elementFromHex, elementToHex, fromHex } from './field.js';
import { packPoint, packSignature, unpackPoint, unpackSignature } from './keys.js';
import { KINDS } from './transactions.js';

const FORMAT = 'tapstone-batch/1';
/** Bytes of the longest line, without its newline. */
const MAX_LINE = 65_536;

const number = (below, from = 0) => ({
  read(value) {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new Error('not an integer');
    if (value < from || value >= below) throw new Error('number out of range');
    return value;
  },
  write: (value) => value,
});

const decimal = (bits) => ({
  read(value) {
    if (typeof value !== 'string' || !/^(0|[1-9][0-9]*)$/.test(value)) throw new Error('not a canonical decimal string');
    const n = BigInt(value);
    if (n >> BigInt(bits)) throw new Error('number out of range');
    return n;
  },
  write: String,
});

const element = { read: elementFromHex, write: elementToHex };
const key = { read: (v) => unpackPoint(fromHex(v, 32)), write: (v) => packPoint(v).toString('hex') };
const signature = { read: (v) => unpackSignature(fromHex(v, 64)), write: (v) => packSignature(v).toString('hex') };
const bytes32 = { read: (v) => fromHex(v, 32), write: (v) => v.toString('hex') };
const account = number(2 ** 30);
const pool = number(2 ** 29);
const token = number(2 ** 30);
const amount = decimal(96);

const outpoint = {
  read(value) {
    const match = typeof value === 'string' && /^([0-9a-f]{64}):(0|[1-9][0-9]{0,9})$/.exec(value);
    if (!match || Number(match[2]) >= 2 ** 32) throw new Error('not an outpoint');
    return { txid: Buffer.from(match[1], 'hex'), vout: Number(match[2]) };
  },
  write: ({ txid, vout }) => `${txid.toString('hex')}:${vout}`,
};

const format = {
  read(value) {
    if (value !== FORMAT) throw new Error(`unknown format ${value}`);
    return value;
  },
  write: (value) => value,
};

const HEADER = {
  format,
  chain_id: number(2 ** 32),
  batch: number(2 ** 48, 1),
  pre_state_root: element,
  operator: account,
};

const TYPES = {
  from: account, to: account, account,
  to_key: key, key,
  token, token0: token, token1: token, fee_token: token,
  pool, direction: number(2), fee_bp: number(10_000),
  amount, amount_in: amount, min_out: amount, amount0: amount, amount1: amount, max0: amount, max1: amount,
  min_shares: amount, shares: amount, min0: amount, min1: amount, fee: amount,
  nonce: decimal(64), expiry: number(2 ** 48),
  outpoint, refund: bytes32, destination: bytes32,
  signature, message: element,
};

/** A flat JSON object. Unlike JSON.parse this notices a repeated field. */
export function parseFlat(line) {
  const whole = JSON.parse(line);
  if (whole === null || typeof whole !== 'object' || Array.isArray(whole)) throw new Error('not a JSON object');
  const names = [...line.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)].filter((m) => m[2]).map((m) => JSON.parse(m[1]));
  if (new Set(names).size !== names.length) throw new Error('a field stands twice');
  for (const value of Object.values(whole)) if (typeof value === 'object') throw new Error('nested value');
  if (/\d[.eE]/.test(line.replace(/"(?:[^"\\]|\\.)*"/g, '""'))) throw new Error('a number is not written as an integer');
  return whole;
}

function readFields(object, types, optional = []) {
  const result = {};
  for (const name of Object.keys(object)) if (!Object.hasOwn(types, name)) throw new Error(`unknown field ${name}`);
  for (const [name, type] of Object.entries(types)) {
    if (!Object.hasOwn(object, name)) {
      if (optional.includes(name)) continue;
      throw new Error(`field ${name} is missing`);
    }
    try {
      result[name] = type.read(object[name]);
    } catch (error) {
      throw new Error(`field ${name}: ${error.message}`);
    }
  }
  return result;
}

function typesOf(kind) {
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) throw new Error(`unknown kind ${kind}`);
  const names = KINDS[kind].signer === null ? KINDS[kind].fields : [...KINDS[kind].fields, 'message'];
  return Object.fromEntries(names.map((name) => [name, TYPES[name]]));
}

function readTransaction(object) {
  const { kind, ...rest } = object;
  return { kind, ...readFields(rest, typesOf(kind), ['message']) };
}

const writeLine = (object) => JSON.stringify(object) + '\n';

function writeTransaction(tx) {
  const line = { kind: tx.kind };
  for (const [name, type] of Object.entries(typesOf(tx.kind))) if (tx[name] !== undefined) line[name] = type.write(tx[name]);
  return writeLine(line);
}

export function readBatchFile(text) {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new Error('the file is empty');
  const read = (line, i, f) => {
    try {
      if (Buffer.byteLength(line) > MAX_LINE) throw new Error('the line is too long');
      return f(parseFlat(line));
    } catch (error) {
      throw new Error(`line ${i + 1}: ${error.message}`);
    }
  };
  const header = read(lines[0], 0, (object) => readFields(object, HEADER));
  const transactions = lines.slice(1).map((line, i) => read(line, i + 1, readTransaction));
  return { header, transactions, bundles: bundlesOf(transactions) };
}

export function writeBatchFile({ chainId, batch, preStateRoot, operator }, transactions) {
  const header = { format: FORMAT, chain_id: chainId, batch, pre_state_root: elementToHex(preStateRoot), operator };
  return [writeLine(header), ...transactions.map(writeTransaction)].join('');
}
