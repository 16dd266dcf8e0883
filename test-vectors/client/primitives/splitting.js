// Batch files and the slots into which they are cut. The files cannot be executed, only split.

import { readBatchFile, writeBatchFile } from '../src/batchfile.js';
import { Refused } from '../src/refused.js';
import { needShape, shapeOf } from '../src/shapes.js';
import { split } from '../src/splitting.js';
import { IDENTITY } from '../stories/invalid-keys.js';
import { seeded } from './seeded.js';
import { keyOf, signedBundle } from './signing.js';

const CHAIN = 3;

// Every transaction gets a nonce of its own, so that no two bundles have the same message.
let count = 0n;
const member = (fields) => ['alice', { ...fields, nonce: count++ }];
const withFee = (token) => (token ? { fee_token: token, fee: 10n } : {});

// A pair and a single transaction, with a fee in `token` if there is one.
const P = (token) => transfer(0, 1, withFee(token));
const S = (token) => withdraw(0, withFee(token));

const bob = keyOf('bob');
const transfer = (from, to, fee = {}) => member({ kind: 'transfer', from, to, to_key: bob, token: 1, amount: 5n, ...fee });
const transferNew = (from, key = bob) => member({ kind: 'transfer_new', from, to_key: key, token: 1, amount: 5n });
const destination = seeded('destination', 0);
const withdraw = (account, fee = {}) => member({ kind: 'withdraw', account, token: 1, amount: 5n, destination, ...fee });
const queued = { outpoint: { txid: seeded('txid', 0), vout: 0 }, token: 1, amount: 5n, refund: seeded('refund', 0) };
const deposit = (account = 0) => [null, { kind: 'deposit', account, ...queued }];
const depositNew = (key = bob) => [null, { kind: 'deposit_new', key, ...queued }];
const swap = (pool) => member({ kind: 'swap', account: 0, pool, direction: 0, amount_in: 5n, min_out: 0n });
const remove = (pool) => member({ kind: 'remove_liquidity', account: 0, pool, shares: 5n, min0: 0n, min1: 0n });
const tokens = { token0: 1, token1: 2, fee_bp: 30, amount0: 5000n, amount1: 5000n };
const create = () => member({ kind: 'create_pool', account: 0, ...tokens });

const NOT_VALID = IDENTITY;
const LAST_INDEX = 2 ** 30 - 1;

// Shapes of the vectors' own, to run out of one thing at a time. Accounts 0 to 7 lie below one node, 8 to 15 below the next.
const FOUR_ACCOUNTS = {
  name: 'four-accounts', account_depth: 2, pool_depth: 1, slots: 'SSPSSPSSP', accounts: 4, pools: 1, nodes: 10, fee_tokens: 1,
};
const NINE_NODES = {
  name: 'nine-nodes', account_depth: 3, pool_depth: 2, slots: 'SSPSSPSSP', accounts: 10, pools: 4, nodes: 9, fee_tokens: 1,
};

/** [what, shape or its name, what comes before unless it is as in `START`, bundles] */
const START = { operator: 0, nextAccount: 2, nextPool: 0 };
const SLOTS = [
  ['one of every slot', 'tiny', {}, [[S()], [P()], [S()], [P()]]],
  ['pairs only', 'tiny', {}, [[P()], [P()], [P()]]],
  ['deposits and other singles', 'tiny', {}, [[deposit()], [S()], [deposit()], [P()], [S()]]],
  ['a bundle of two pairs', 'tiny', {}, [[P(), P()], [S()]]],
  ['a bundle of two pairs after a single', 'tiny', {}, [[S()], [P(), P()]]],
  ['a bundle of two pairs after a pair moves', 'tiny', {}, [[P()], [P(), P()]]],
  ['a bundle of three', 'tiny', {}, [[S(), P(), S()], [P()]]],
  ['a bundle of three after a single moves', 'tiny', {}, [[S()], [S(), P(), S()], [P()]]],
  ['a bundle of three fills up a batch', 'tiny', {}, [[deposit()], [P(), S(), P()], [S()]]],
  ['a bundle as large as a batch', 'tiny', {}, [[S(), P(), S(), P()], [P()]]],
  ['a bundle as large as a batch, after a pair', 'tiny', {}, [[P()], [S(), P(), S(), P()], [deposit()]]],
  ['two bundles in one batch', 'tiny', {}, [[S(), P()], [S(), P()], [S(), P()]]],
  ['a place left free by a move stays free', 'tiny', {}, [[S()], [P()], [S(), S()], [P()], [S()]]],
  [
    'a bundle over a whole batch of the shape',
    'small',
    {},
    [[P()], [S(1), S(2), P(3), S(1), S(2), P(3), S(), S(), P(), S(), S(), P(), S(), S(), P()]],
  ],
  ['refused: five members', 'tiny', {}, [[S(), P(), S(), P(), S()]]],
  ['refused: three singles', 'tiny', {}, [[P()], [S(), S(), S()]]],
  ['refused: the order of the slots', 'tiny', {}, [[P(), S(), S()]]],
];

const FEE_TOKENS = [
  ['a bundle with a third fee token moves', 'tiny', {}, [[S(5)], [P(6), S(7)], [P(7)]]],
  ['a bundle with the fee tokens of the batch stays', 'tiny', {}, [[S(5)], [P(6), S(5), P(6)]]],
  ['members without a fee', 'tiny', {}, [[S(5)], [P(), S(6)], [P(5)]]],
  ['a fee token counts where the fee is 0', 'tiny', {}, [[S(5)], [P(6)], [withdraw(0, { fee_token: 7, fee: 0n })]]],
  ['a fee without a token counts for none', 'tiny', {}, [[S(5)], [P(6)], [withdraw(0, { fee_token: 0, fee: 10n })]]],
  ['refused: three fee tokens', 'tiny', {}, [[S(5), P(6), S(7)]]],
];

const seven = { nextPool: 7 };
const POOLS = [
  ['a bundle of a third pool moves', 'small', seven, [[swap(0)], [remove(3)], [swap(0), P(), swap(1)], [swap(1)]]],
  [
    'a bundle that creates a third pool moves',
    'small',
    seven,
    [[swap(0)], [remove(3)], [swap(3), create()], [swap(7)], [swap(0)]],
  ],
  [
    'a bundle that creates a pool and uses it',
    'small',
    seven,
    [[swap(0)], [create(), P(), swap(7), remove(7)], [remove(0)]],
  ],
  [
    'a pool created by a bundle counts for the next',
    'small',
    seven,
    [[create(), create()], [swap(7), swap(8)], [create()]],
  ],
  [
    'a pool that does not exist is not touched, one that the batch makes is',
    FOUR_ACCOUNTS,
    { nextPool: 2 },
    [[swap(5)], [create()], [P()], [swap(2)], [swap(3)], [swap(0)], [swap(3)], [P()], [create()], [swap(3)]],
  ],
  [
    'a pool exists for the bundles after the one that makes it',
    { ...FOUR_ACCOUNTS, name: 'four-accounts-two-pools', pools: 2 },
    { nextPool: 3 },
    [[swap(3), swap(0)], [create()], [swap(3), swap(0)], [swap(1)]],
  ],
  [
    'no pool is made in a full tree',
    FOUR_ACCOUNTS,
    { nextPool: 8 },
    [[swap(0)], [create()], [create(), swap(8)], [swap(7)]],
  ],
  ['refused: three pools', 'small', seven, [[swap(0), swap(1), create()]]],
];

const twenty = { nextAccount: 20 };
const ACCOUNTS = [
  [
    'a fifth account starts a batch',
    FOUR_ACCOUNTS,
    twenty,
    [[withdraw(1)], [transfer(2, 3)], [withdraw(3)], [deposit(4)]],
  ],
  [
    'the operator is touched from the start, and counts once where it is named',
    FOUR_ACCOUNTS,
    twenty,
    [[withdraw(0)], [transfer(0, 1)], [transfer(2, 0)], [withdraw(3)], [withdraw(0)], [transfer(4, 0)]],
  ],
  [
    'an operator that nobody names',
    FOUR_ACCOUNTS,
    { ...twenty, operator: 9 },
    [[transfer(1, 2)], [withdraw(3)], [transfer(2, 0)]],
  ],
  [
    'an operator that does not exist yet, and is made',
    FOUR_ACCOUNTS,
    { ...twenty, operator: 20 },
    [[deposit(20)], [depositNew()], [transfer(1, 2)], [deposit(20)], [withdraw(3)], [withdraw(4)]],
  ],
  [
    'an operator that does not exist',
    FOUR_ACCOUNTS,
    { ...twenty, operator: 25 },
    [[transfer(1, 2)], [withdraw(3)], [withdraw(4)]],
  ],
  [
    'an operator outside the tree',
    FOUR_ACCOUNTS,
    { ...twenty, operator: 64 },
    [[transfer(1, 2)], [withdraw(3)], [withdraw(4)], [withdraw(5)]],
  ],
  [
    'a deposit to an account that does not exist touches none',
    FOUR_ACCOUNTS,
    twenty,
    [[withdraw(1)], [transfer(2, 3)], [deposit(20)], [deposit(63)], [deposit(64)], [deposit(LAST_INDEX)], [deposit(19)]],
  ],
  [
    'a deposit before its account is made touches none',
    FOUR_ACCOUNTS,
    twenty,
    [
      ...[[deposit(20)], [withdraw(1)], [transfer(1, 2)], [depositNew()]],
      ...[[deposit(20)], [deposit(21)], [depositNew()], [deposit(20)]],
    ],
  ],
  [
    'a key that is not valid makes no account',
    FOUR_ACCOUNTS,
    twenty,
    [
      ...[[depositNew(NOT_VALID)], [depositNew(NOT_VALID)], [transfer(1, 2)], [deposit(20)]],
      ...[[depositNew()], [deposit(20)], [deposit(21)], [depositNew()]],
    ],
  ],
  [
    'transfer_new makes an account whatever its key',
    FOUR_ACCOUNTS,
    twenty,
    [[transferNew(1, NOT_VALID)], [deposit(20)], [withdraw(2)], [withdraw(3)]],
  ],
  [
    'no account is made in a full tree',
    FOUR_ACCOUNTS,
    { nextAccount: 64 },
    [
      ...[[depositNew()], [deposit(64)], [transferNew(1)], [depositNew()]],
      ...[[withdraw(2)], [transferNew(63)], [depositNew()], [withdraw(3)]],
    ],
  ],
  [
    'the last account of a tree',
    FOUR_ACCOUNTS,
    { nextAccount: 63 },
    [[depositNew()], [depositNew()], [transferNew(63)], [deposit(64)], [withdraw(1)], [transferNew(2)], [withdraw(3)]],
  ],
  [
    'a recipient that exists only since the batch',
    FOUR_ACCOUNTS,
    twenty,
    [[transferNew(1)], [transfer(1, 20)], [transfer(20, 2)], [withdraw(20)], [transfer(20, 3)]],
  ],
  [
    'a recipient that does not exist is not touched',
    FOUR_ACCOUNTS,
    twenty,
    [[transfer(1, 20)], [transfer(20, 2)], [withdraw(3)], [withdraw(4)]],
  ],
  ['a transfer to oneself', FOUR_ACCOUNTS, twenty, [[transfer(1, 1)], [transfer(2, 3)], [transfer(3, 4)]]],
  [
    'a bundle with a fifth account moves, and what it makes with it',
    FOUR_ACCOUNTS,
    twenty,
    [
      ...[[withdraw(1)], [withdraw(2)], [transferNew(3), withdraw(20)], [deposit(20)]],
      ...[[depositNew()], [withdraw(21)], [withdraw(1)]],
    ],
  ],
  [
    'a bundle names the accounts that it makes',
    FOUR_ACCOUNTS,
    twenty,
    [[transferNew(1), withdraw(20), transferNew(20)], [deposit(21)], [deposit(22)], [withdraw(2)]],
  ],
  [
    'refused: a bundle of four accounts beside the operator',
    FOUR_ACCOUNTS,
    twenty,
    [[withdraw(0)], [transfer(1, 2), transfer(3, 4)]],
  ],
  ['refused: a bundle that makes too many accounts', FOUR_ACCOUNTS, twenty, [[transferNew(1), transferNew(2)]]],
];

const many = { nextAccount: 500, nextPool: 60 };
const NODES = [
  [
    'neighbours need no more nodes',
    NINE_NODES,
    many,
    [[withdraw(1)], [withdraw(2)], [transfer(3, 4)], [deposit(5)], [withdraw(6)], [transfer(6, 7)], [withdraw(7)]],
  ],
  [
    'nodes are shared from where paths meet',
    NINE_NODES,
    many,
    [[withdraw(8)], [transfer(64, 72)], [withdraw(128)], [transfer(135, 71)], [deposit(136)]],
  ],
  [
    'nodes above pools count as well',
    NINE_NODES,
    many,
    [[withdraw(64)], [transfer(128, 192)], [swap(0)], [swap(7)], [swap(8)], [transfer(64, 8)]],
  ],
  [
    'nodes of two trees',
    NINE_NODES,
    many,
    [[swap(0)], [swap(8)], [swap(16)], [withdraw(8)], [withdraw(16)], [transfer(1, 9)]],
  ],
  [
    'nodes above a pool that is made',
    NINE_NODES,
    { ...many, nextPool: 8 },
    [[create()], [swap(8)], [transfer(64, 128)], [create()], [swap(0)]],
  ],
  [
    'nodes above an account that is made',
    NINE_NODES,
    { ...many, nextAccount: 64 },
    [[depositNew()], [depositNew()], [transfer(8, 16)], [deposit(24)], [deposit(32)], [deposit(40)]],
  ],
  [
    'what does not exist has no nodes',
    NINE_NODES,
    { nextAccount: 257 },
    [[withdraw(64)], [transfer(128, 192)], [deposit(300)], [swap(0)], [deposit(256)]],
  ],
  [
    'nodes above the operator',
    NINE_NODES,
    { ...many, operator: 511 },
    [[withdraw(448)], [transfer(0, 64)], [transfer(128, 1)]],
  ],
  [
    'a bundle moves for want of nodes',
    NINE_NODES,
    many,
    [[transfer(64, 128)], [withdraw(192), transfer(8, 9)], [withdraw(200)], [transfer(9, 15)], [swap(0)]],
  ],
  [
    'a bundle has the nodes of the batch',
    NINE_NODES,
    many,
    [[withdraw(64)], [transfer(128, 192)], [withdraw(65), withdraw(193), transfer(130, 2)], [transfer(8, 0)]],
  ],
  [
    'far accounts in a deep tree',
    'small',
    { nextAccount: 2 ** 30, operator: 3 * 8 ** 9 },
    Array.from({ length: 9 }, (_, i) => [transfer((2 * i + 1) * 50_000_017, (2 * i + 2) * 50_000_017)]),
  ],
  ['refused: a bundle with too many nodes', NINE_NODES, many, [[withdraw(64), withdraw(128), transfer(192, 256)]]],
];

const CASES = [...SLOTS, ...FEE_TOKENS, ...POOLS, ...ACCOUNTS, ...NODES];

function slotsOf(shape, start, { transactions, bundles }) {
  try {
    const batches = split(shape, start, bundles);
    return batches.map((slots) => slots.map((tx) => (tx === null ? null : transactions.indexOf(tx))));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return null;
  }
}

export function splittingVectors() {
  return CASES.map(([what, named, before, bundles]) => {
    const shape = typeof named === 'string' ? shapeOf(named) : named;
    needShape(shape);
    const start = { ...START, ...before };
    const signed = bundles.map((bundle) => signedBundle(bundle, CHAIN));
    const header = { chainId: CHAIN, batch: 1, preStateRoot: 0n, operator: start.operator };
    const text = writeBatchFile(header, signed.flat());
    const slots = slotsOf(shape, start, readBatchFile(text));
    if ((slots === null) !== what.startsWith('refused')) throw new Error(`not as it should be: ${what}`);
    return {
      what,
      shape: named,
      operator: start.operator,
      next_account: start.nextAccount,
      next_pool: start.nextPool,
      bundles: bundles.map((bundle) => bundle.length),
      slots,
      lines: text.trimEnd().split('\n'),
    };
  });
}
