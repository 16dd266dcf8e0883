// Batch files and the slots into which they are cut. The files cannot be executed, only split.

import { readBatchFile, writeBatchFile } from '../src/batchfile.js';
import { Refused } from '../src/refused.js';
import { shapeOf } from '../src/shapes.js';
import { split } from '../src/splitting.js';
import { seeded } from './seeded.js';
import { keyOf, signedBundle } from './signing.js';

const CHAIN = 3;

// Every transaction gets a nonce of its own, so that no two bundles have the same message.
let count = 0n;
const member = (fields) => ['alice', { ...fields, nonce: count++ }];
const withFee = (token) => (token ? { fee_token: token, fee: 10n } : {});

// A pair and a single transaction, with a fee in `token` if there is one.
const bob = { to: 1, to_key: keyOf('bob') };
const P = (token) => member({ kind: 'transfer', from: 0, ...bob, token: 1, amount: 5n, ...withFee(token) });
const S = (token) =>
  member({ kind: 'withdraw', account: 0, token: 1, amount: 5n, destination: seeded('destination', 0), ...withFee(token) });
const outpoint = { txid: seeded('txid', 0), vout: 0 };
const D = () => [null, { kind: 'deposit', outpoint, account: 0, token: 1, amount: 5n, refund: seeded('refund', 0) }];
const swap = (pool) => member({ kind: 'swap', account: 0, pool, direction: 0, amount_in: 5n, min_out: 0n });
const remove = (pool) => member({ kind: 'remove_liquidity', account: 0, pool, shares: 5n, min0: 0n, min1: 0n });
const tokens = { token0: 1, token1: 2, fee_bp: 30, amount0: 5000n, amount1: 5000n };
const create = () => member({ kind: 'create_pool', account: 0, ...tokens });

/** [what, shape, pool counter before, bundles] */
const CASES = [
  ['one of every slot', 'tiny', 0, [[S()], [P()], [S()], [P()]]],
  ['pairs only', 'tiny', 0, [[P()], [P()], [P()]]],
  ['deposits and other singles', 'tiny', 0, [[D()], [S()], [D()], [P()], [S()]]],
  ['a bundle of two pairs', 'tiny', 0, [[P(), P()], [S()]]],
  ['a bundle of two pairs after a single', 'tiny', 0, [[S()], [P(), P()]]],
  ['a bundle of two pairs after a pair moves', 'tiny', 0, [[P()], [P(), P()]]],
  ['a bundle of three', 'tiny', 0, [[S(), P(), S()], [P()]]],
  ['a bundle of three after a single moves', 'tiny', 0, [[S()], [S(), P(), S()], [P()]]],
  ['a bundle of three fills up a batch', 'tiny', 0, [[D()], [P(), S(), P()], [S()]]],
  ['a bundle as large as a batch', 'tiny', 0, [[S(), P(), S(), P()], [P()]]],
  ['a bundle as large as a batch, after a pair', 'tiny', 0, [[P()], [S(), P(), S(), P()], [D()]]],
  ['two bundles in one batch', 'tiny', 0, [[S(), P()], [S(), P()], [S(), P()]]],
  ['a place left free by a move stays free', 'tiny', 0, [[S()], [P()], [S(), S()], [P()], [S()]]],
  ['a bundle with a third fee token moves', 'tiny', 0, [[S(5)], [P(6), S(7)], [P(7)]]],
  ['a bundle with the fee tokens of the batch stays', 'tiny', 0, [[S(5)], [P(6), S(5), P(6)]]],
  ['members without a fee', 'tiny', 0, [[S(5)], [P(), S(6)], [P(5)]]],
  ['a bundle of a third pool moves', 'small', 7, [[swap(0)], [remove(3)], [swap(0), P(), swap(1)], [swap(1)]]],
  ['a bundle that creates a third pool moves', 'small', 7, [[swap(0)], [remove(3)], [swap(3), create()], [swap(7)], [swap(0)]]],
  ['a bundle that creates a pool and uses it', 'small', 7, [[swap(0)], [create(), P(), swap(7), remove(7)], [remove(0)]]],
  ['a pool created by a bundle counts for the next', 'small', 7, [[create(), create()], [swap(7), swap(8)], [create()]]],
  [
    'a bundle over a whole batch of the shape',
    'small',
    0,
    [[P()], [S(1), S(2), P(3), S(1), S(2), P(3), S(), S(), P(), S(), S(), P()]],
  ],
  ['refused: five members', 'tiny', 0, [[S(), P(), S(), P(), S()]]],
  ['refused: three singles', 'tiny', 0, [[P()], [S(), S(), S()]]],
  ['refused: the order of the slots', 'tiny', 0, [[P(), S(), S()]]],
  ['refused: three fee tokens', 'tiny', 0, [[S(5), P(6), S(7)]]],
  ['refused: three pools', 'small', 7, [[swap(0), swap(1), create()]]],
];

function slotsOf(shape, nextPool, { transactions, bundles }) {
  try {
    const batches = split(shape, nextPool, bundles);
    return batches.map((slots) => slots.map((tx) => (tx === null ? null : transactions.indexOf(tx))));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return null;
  }
}

export function splittingVectors() {
  return CASES.map(([what, shape, nextPool, bundles]) => {
    const signed = bundles.map((bundle) => signedBundle(bundle, CHAIN));
    const text = writeBatchFile({ chainId: CHAIN, batch: 1, preStateRoot: 0n, operator: 0 }, signed.flat());
    const slots = slotsOf(shapeOf(shape), nextPool, readBatchFile(text));
    if ((slots === null) !== what.startsWith('refused')) throw new Error(`not as it should be: ${what}`);
    return {
      what,
      shape,
      next_pool: nextPool,
      bundles: bundles.map((bundle) => bundle.length),
      slots,
      lines: text.trimEnd().split('\n'),
    };
  });
}
