// Writes test-vectors/primitives.json: hashes, keys, points, signatures, encodings. Keys and signatures come
// from two libraries, Poseidon from two implementations of one; where they differ nothing is written.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { buildBabyjub, buildEddsa, buildPoseidon, buildPoseidonReference } from 'circomlibjs';
import {
  B8,
  L,
  R,
  State,
  accountLeaf,
  addPoints,
  amountBytes,
  credit,
  dataElements,
  depositStep,
  elementToHex,
  encodeData,
  fromBytesBE,
  isOnCurve,
  isSigned,
  isValidKey,
  messageOf,
  multiplyPoint,
  newAccount,
  packPoint,
  packSignature,
  poolLeaf,
  readBatchFile,
  sha256,
  shapeOf,
  toBytesBE,
  toBytesLE,
  unpackPoint,
  unpackSignature,
  verify,
  writeBatchFile,
} from './src/index.js';
import { jsonText } from './src/json.js';
import { secretOf } from './src/scenario.js';

// Its ES module build does not load in Node 20 (named imports from a CommonJS package); its CommonJS build does.
const zkKit = createRequire(import.meta.url)('@zk-kit/eddsa-poseidon');

const seeded = (label, i) => sha256(Buffer.from(`tapstone test vector ${label}`), toBytesBE(i, 8));
const seededElement = (label, i) => fromBytesBE(seeded(label, i)) % R;

function same(a, b, what) {
  if (String(a) !== String(b)) throw new Error(`two libraries differ: ${what}`);
  return a;
}

async function poseidonVectors() {
  const fast = await buildPoseidon();
  const reference = await buildPoseidonReference();
  const vectors = [];
  for (let arity = 1; arity <= 16; arity++) {
    const fill = (f) => Array.from({ length: arity }, (_, i) => f(i));
    const inputs = [
      fill(() => 0n),
      fill((i) => BigInt(i + 1)),
      fill(() => R - 1n),
      fill((i) => seededElement(`poseidon ${arity}`, i)),
      fill((i) => seededElement(`poseidon ${arity}`, 100 + i)),
    ];
    for (const input of inputs) {
      const output = same(
        fast.F.toObject(fast(input)),
        reference.F.toObject(reference(input.map((n) => reference.F.e(n)))),
        `Poseidon of ${arity} inputs`,
      );
      vectors.push({ arity, inputs: input.map(elementToHex), output: elementToHex(output) });
    }
  }
  return vectors;
}

async function keyVectors() {
  const eddsa = await buildEddsa();
  const babyjub = await buildBabyjub();
  const { F } = babyjub;

  const secrets = [
    Buffer.alloc(32, 0x00),
    Buffer.alloc(32, 0xff),
    Buffer.from('0001020304050607080900010203040506070809000102030405060708090001', 'hex'),
    Buffer.from([...Array(31).fill(0), 1]),
    ...['operator', 'alice', 'bob', 'carol', 'dave'].map(secretOf),
    ...[0, 1, 2].map((i) => seeded('secret', i)),
  ];

  const messages = [0n, 1n, 1234n, R - 1n, 2n ** 253n, seededElement('message', 0), seededElement('message', 1)];
  const keys = [];
  const signatures = [];

  for (const [i, secret] of secrets.entries()) {
    const point = eddsa.prv2pub(secret);
    const key = { x: F.toObject(point[0]), y: F.toObject(point[1]) };
    same(`${key.x},${key.y}`, zkKit.derivePublicKey(secret), 'public key');
    const packed = same(Buffer.from(babyjub.packPoint(point)).toString('hex'), packPoint(key).toString('hex'), 'packed key');
    const back = unpackPoint(Buffer.from(packed, 'hex'));
    same(`${key.x},${key.y}`, `${back.x},${back.y}`, 'unpacked key');
    if (!isValidKey(key)) throw new Error('a derived key is not valid');
    keys.push({ secret: secret.toString('hex'), x: elementToHex(key.x), y: elementToHex(key.y), packed });

    // Every message under the first keys, two messages under the others.
    for (const message of i < 4 ? messages : messages.slice(-2)) {
      const made = eddsa.signPoseidon(secret, F.e(message));
      const signature = { R8: { x: F.toObject(made.R8[0]), y: F.toObject(made.R8[1]) }, S: made.S };
      const other = zkKit.signMessage(secret, message);
      same([signature.R8.x, signature.R8.y, signature.S], [...other.R8, other.S], 'signature');
      const bytes = packSignature(signature);
      same(bytes.toString('hex'), Buffer.from(eddsa.packSignature(made)).toString('hex'), 'packed signature');
      if (!verify(signature, message, key) || !zkKit.verifySignature(message, other, [key.x, key.y])) {
        throw new Error('a signature does not verify');
      }
      signatures.push({
        secret: secret.toString('hex'),
        message: elementToHex(message),
        r8_x: elementToHex(signature.R8.x),
        r8_y: elementToHex(signature.R8.y),
        s: signature.S.toString(),
        packed: bytes.toString('hex'),
      });
    }
  }
  return { keys, signatures };
}

/** Signatures that are not accepted, each beside the good one that it was made from. */
function refusedSignatures({ keys, signatures }) {
  const good = signatures[5];
  const key = keys.find((k) => k.secret === good.secret).packed;
  const bytes = Buffer.from(good.packed, 'hex');
  const { R8, S } = unpackSignature(bytes);
  const withS = (n) => Buffer.concat([bytes.subarray(0, 32), toBytesLE(n, 32)]).toString('hex');
  const torsion = { x: 0n, y: R - 1n }; // the point of order 2
  const cases = [
    ['S + l', key, good.message, withS(S + L)],
    ['S = l', key, good.message, withS(L)],
    ['S + 1', key, good.message, withS(S + 1n)],
    ['S = 0', key, good.message, withS(0n)],
    ['another message', key, elementToHex((BigInt(good.message) + 1n) % R), good.packed],
    ['another key', keys[7].packed, good.message, good.packed],
    ['R8 negated', key, good.message, packSignature({ R8: { x: R - R8.x, y: R8.y }, S }).toString('hex')],
    ['R8 plus the point of order 2', key, good.message, packSignature({ R8: addPoints(R8, torsion), S }).toString('hex')],
    ['R8 is no point', key, good.message, Buffer.concat([toBytesLE(R, 32), bytes.subarray(32)]).toString('hex')],
    ['all zeros', key, good.message, '00'.repeat(64)],
  ];
  return cases.map(([why, signer, message, packed]) => {
    let accepted = false;
    try {
      accepted = verify(unpackSignature(Buffer.from(packed, 'hex')), BigInt(message), unpackPoint(Buffer.from(signer, 'hex')));
    } catch {
      // does not decode
    }
    if (accepted) throw new Error(`accepted: ${why}`);
    return { why, key: signer, message, packed };
  });
}

function pointVectors() {
  const order2 = { x: 0n, y: R - 1n };
  const points = [
    ['generator B8', B8],
    ['-B8', { x: R - B8.x, y: B8.y }],
    ['5 B8', multiplyPoint(B8, 5n)],
    ['identity: not a valid key', { x: 0n, y: 1n }],
    ['order 2: not a valid key', order2],
    ['B8 plus the point of order 2: not a valid key', addPoints(B8, order2)],
    ['y = 0, order 4: not a valid key', unpackPoint(Buffer.alloc(32))],
  ];
  const accepted = points.map(([what, point]) => {
    const packed = packPoint(point);
    const back = unpackPoint(packed);
    if (!isOnCurve(point) || back.x !== point.x || back.y !== point.y) throw new Error(`bad point: ${what}`);
    return {
      what,
      packed: packed.toString('hex'),
      x: elementToHex(point.x),
      y: elementToHex(point.y),
      valid_key: isValidKey(point),
    };
  });

  const signBit = (bytes) => {
    const copy = Buffer.from(bytes);
    copy[31] |= 0x80;
    return copy;
  };
  const withoutX = [];
  for (let y = 2n; withoutX.length < 3; y++) {
    try {
      unpackPoint(toBytesLE(y, 32));
    } catch {
      withoutX.push(toBytesLE(y, 32));
    }
  }
  const refusals = [
    ['y = r', toBytesLE(R, 32)],
    ['y = r, sign bit', signBit(toBytesLE(R, 32))],
    ['y = r + 1', toBytesLE(R + 1n, 32)],
    ['y = r + B8.y', toBytesLE(R + B8.y, 32)],
    ['y = 2^255 - 1', toBytesLE(2n ** 255n - 1n, 32)],
    ['all bits set', Buffer.alloc(32, 0xff)],
    ['sign bit on x = 0, y = 1', signBit(toBytesLE(1n, 32))],
    ['sign bit on x = 0, y = -1', signBit(toBytesLE(R - 1n, 32))],
    ...withoutX.map((bytes) => ['no point has this y', bytes]),
    ['no point has this y, sign bit', signBit(withoutX[0])],
  ].map(([why, bytes]) => {
    let refused = false;
    try {
      unpackPoint(bytes);
    } catch {
      refused = true;
    }
    if (!refused) throw new Error(`decoded: ${why}`);
    return { why, packed: bytes.toString('hex') };
  });
  return { accepted, refusals };
}

function amountVectors() {
  const amounts = [0n, 1n, 9n, 10n, 11n, 20n, 63n, 64n, 100n, 127n, 128n, 1000n, 1200n, 8191n, 8192n, 10n ** 6n, 2_500_000n];
  amounts.push(21n * 10n ** 14n, 10n ** 18n, 123n * 10n ** 16n, 10n ** 28n, 7n * 10n ** 28n, 2n ** 64n, 2n ** 90n - 1n);
  amounts.push(2n ** 96n - 1n, (2n ** 96n - 1n) / 10n * 10n, 3n * 10n, 15n * 10n, 170n, 330n);
  return amounts.map((a) => ({ amount: a.toString(), hex: amountBytes(a).toString('hex') }));
}

function leafVectors() {
  const key = { x: B8.x, y: B8.y };
  let account = newAccount(key);
  const accounts = [['new account without a balance', account]];
  account = credit(account, 1, 5n);
  accounts.push(['native balance only', account]);
  for (let i = 0; i < 7; i++) account = credit(account, 2 ** 29 - 1 - i, 2n ** 96n - 1n - BigInt(i));
  accounts.push(['all slots taken', { ...account, nonce: 2n ** 64n - 1n }]);
  const pools = [
    { token0: 0, token1: 0, fee: 0, reserve0: 0n, reserve1: 0n, supply: 0n },
    { token0: 1, token1: 2 ** 29 - 1, fee: 9999, reserve0: 2n ** 96n - 1n, reserve1: 1n, supply: 2n ** 96n - 1n },
  ];
  const plain = (object) =>
    Object.fromEntries(Object.entries(object).map(([k, v]) => [k, typeof v === 'bigint' ? v.toString() : v]));
  return {
    accounts: accounts.map(([what, a]) => ({
      what,
      x: elementToHex(a.x),
      y: elementToHex(a.y),
      nonce: a.nonce.toString(),
      tokens: a.tokens,
      balances: a.balances.map(String),
      leaf: elementToHex(accountLeaf(a)),
    })),
    pools: pools.map((p) => ({ ...plain(p), leaf: elementToHex(poolLeaf(p)) })),
    genesis: ['tiny', 'small'].map((shape) => {
      const state = State.genesis(shapeOf(shape), 3);
      return {
        shape,
        chain_id: 3,
        account_root: elementToHex(state.accountRoot()),
        pool_root: elementToHex(state.poolRoot()),
        root: elementToHex(state.root()),
      };
    }),
  };
}

/** One transaction of every kind: its line (with a signature of zeros), elements, digest step or queue step, data. */
function transactionVectors() {
  const CHAIN = 3;
  const key = multiplyPoint(B8, 5n);
  const signed = { fee_token: 1, fee: 150n, nonce: 2n ** 40n + 7n, expiry: 123456 };
  const noFee = { fee_token: 0, fee: 0n, nonce: 0n, expiry: 0 };
  const outpoint = { txid: seeded('txid', 0), vout: 4294967295 };
  const refund = seeded('refund', 0);
  const list = [
    { kind: 'transfer', from: 3, to: 2 ** 30 - 1, to_key: key, token: 2 ** 29 + 4, amount: 2n ** 96n - 1n, ...signed },
    { kind: 'transfer', from: 300, to: 0, to_key: key, token: 1, amount: 5n, ...noFee },
    { kind: 'transfer_new', from: 3, to_key: key, token: 5, amount: 1000n, ...signed, fee_token: 5 },
    { kind: 'deposit', outpoint, account: 77, token: 1, amount: 2n ** 90n, refund },
    { kind: 'deposit_new', outpoint, key, token: 9, amount: 1n, refund },
    { kind: 'swap', account: 8, pool: 100, direction: 1, amount_in: 10n ** 20n, min_out: 12345n, ...signed },
    {
      kind: 'create_pool', account: 8, token0: 1, token1: 2 ** 29 - 1, fee_bp: 9999,
      amount0: 2n ** 95n, amount1: 2n ** 94n + 1n, ...signed,
    },
    { kind: 'add_liquidity', account: 8, pool: 1, max0: 5n, max1: 2n ** 80n, min_shares: 3n, ...noFee },
    { kind: 'remove_liquidity', account: 8, pool: 1, shares: 6n, min0: 4n, min1: 2n ** 70n, ...signed },
    { kind: 'change_key', account: 1, key, ...signed, fee_token: 2 ** 29 },
    { kind: 'withdraw', account: 1, token: 1, amount: 700_000n, destination: seeded('destination', 0), ...signed },
  ];
  return list.map((tx) => {
    if (isSigned(tx)) tx.signature = { R8: { x: 0n, y: 1n }, S: 0n };
    const text = writeBatchFile({ chainId: CHAIN, batch: 1, preStateRoot: 0n, operator: 0 }, [tx]);
    const [read] = readBatchFile(text).transactions;
    const [e1, e2, e3, e4] = dataElements(read);
    const data = encodeData({ chainId: CHAIN, batchNumber: 1, operator: 0, transactions: [read] });
    const empty = encodeData({ chainId: CHAIN, batchNumber: 1, operator: 0, transactions: [] });
    return {
      chain_id: CHAIN,
      line: text.split('\n')[1],
      elements: [e1, e2, e3, e4].map(elementToHex),
      ...(isSigned(tx)
        ? { message: elementToHex(messageOf([read], CHAIN)) }
        : { queue_head_after_0_at_index_5: elementToHex(depositStep(0n, 5, read)) }),
      data_hex: data.subarray(empty.length).toString('hex'),
    };
  });
}

/** The file as a Map from the path below test-vectors to the text. */
export async function primitiveFiles() {
  const poseidon = await poseidonVectors();
  const { keys, signatures } = await keyVectors();
  const content = {
    made_by: 'test-vectors/client/vectors.mjs',
    poseidon,
    keys,
    signatures,
    signatures_refused: refusedSignatures({ keys, signatures }),
    points: pointVectors(),
    amounts: amountVectors(),
    leaves: leafVectors(),
    transactions: transactionVectors(),
  };
  return new Map([['primitives.json', jsonText(content)]]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of await primitiveFiles()) {
    writeFileSync(new URL(`../${path}`, import.meta.url), text);
    console.log(`wrote test-vectors/${path}`);
  }
}
