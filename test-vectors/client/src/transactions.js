// Section 5: kinds, fields, elements, one step of the digest, and the deposit queue.
//
// A transaction is a plain object with the field names of the batch file (section 10). Indices, tokens, expiry and the
// like are numbers; amounts and nonces BigInt; keys points { x, y }; destinations and transaction ids 32 bytes
// (a transaction id in the order in which it is displayed); a signature { R8, S }.

import { limbs, pack } from './field.js';
import { hash } from './poseidon.js';

const SIGNED = ['fee_token', 'fee', 'nonce', 'expiry', 'signature'];

/** Of every kind: its code, its slot, and the fields of its line in a batch file in the order of section 10. */
export const KINDS = {
  transfer: { code: 1, slot: 'P', signer: 'from', fields: ['from', 'to', 'to_key', 'token', 'amount', ...SIGNED] },
  transfer_new: { code: 2, slot: 'P', signer: 'from', fields: ['from', 'to_key', 'token', 'amount', ...SIGNED] },
  deposit: { code: 3, slot: 'S', signer: null, fields: ['outpoint', 'account', 'token', 'amount', 'refund'] },
  deposit_new: { code: 4, slot: 'S', signer: null, fields: ['outpoint', 'key', 'token', 'amount', 'refund'] },
  swap: {
    code: 5,
    slot: 'S',
    signer: 'account',
    fields: ['account', 'pool', 'direction', 'amount_in', 'min_out', ...SIGNED],
  },
  create_pool: {
    code: 6,
    slot: 'S',
    signer: 'account',
    fields: ['account', 'token0', 'token1', 'fee_bp', 'amount0', 'amount1', ...SIGNED],
  },
  add_liquidity: {
    code: 7,
    slot: 'S',
    signer: 'account',
    fields: ['account', 'pool', 'max0', 'max1', 'min_shares', ...SIGNED],
  },
  remove_liquidity: {
    code: 8,
    slot: 'S',
    signer: 'account',
    fields: ['account', 'pool', 'shares', 'min0', 'min1', ...SIGNED],
  },
  change_key: { code: 9, slot: 'S', signer: 'account', fields: ['account', 'key', ...SIGNED] },
  withdraw: { code: 10, slot: 'S', signer: 'account', fields: ['account', 'token', 'amount', 'destination', ...SIGNED] },
};

/** The kinds of the published data. `refund` stands in no batch file: it is what a deposit becomes (section 7). */
export const PUBLISHED_KINDS = { ...KINDS, refund: { code: 11, slot: 'S', signer: null } };

export const slotOfKind = (tx) => KINDS[tx.kind].slot;
export const isSigned = (tx) => PUBLISHED_KINDS[tx.kind].signer !== null;
export const signerOf = (tx) => tx[PUBLISHED_KINDS[tx.kind].signer];

/** What a deposit that could not be credited is published as. */
export function refundOf({ kind, account, token, amount, refund }) {
  return { kind: 'refund', account: kind === 'deposit' ? account : 0, token, amount, destination: refund };
}

const ZERO_KEY = { x: 0n, y: 0n };
const ZERO_DEST = { hi: 0n, lo: 0n };

function pairFields(tx) {
  return {
    from: tx.from,
    to: tx.kind === 'transfer' ? tx.to : 0,
    token: tx.token,
    amount: tx.amount,
    key: tx.to_key,
  };
}

/** Section 5.1: the common fields of the single kinds. The destination of a deposit enters the deposit queue alone. */
function singleFields(tx) {
  const none = { account: 0, ta: 0, tb: 0, aux: 0, amt0: 0n, amt1: 0n, amt2: 0n, key: ZERO_KEY, dest: ZERO_DEST };
  const { account } = tx;
  switch (tx.kind) {
    case 'deposit':
      return { ...none, account, ta: tx.token, amt0: tx.amount };
    case 'deposit_new':
      return { ...none, ta: tx.token, amt0: tx.amount, key: tx.key };
    case 'swap':
      return { ...none, account, ta: tx.pool, tb: tx.direction, amt0: tx.amount_in, amt1: tx.min_out };
    case 'create_pool':
      return { ...none, account, ta: tx.token0, tb: tx.token1, aux: tx.fee_bp, amt0: tx.amount0, amt1: tx.amount1 };
    case 'add_liquidity':
      return { ...none, account, ta: tx.pool, amt0: tx.max0, amt1: tx.max1, amt2: tx.min_shares };
    case 'remove_liquidity':
      return { ...none, account, ta: tx.pool, amt0: tx.shares, amt1: tx.min0, amt2: tx.min1 };
    case 'change_key':
      return { ...none, account, key: tx.key };
    case 'withdraw':
    case 'refund':
      return { ...none, account, ta: tx.token, amt0: tx.amount, dest: limbs(tx.destination) };
    default:
      throw new Error(`not a single kind: ${tx.kind}`);
  }
}

/** Section 5.2: e1 to e4, the four elements of the published data. */
export function dataElements(tx) {
  const { code, slot } = PUBLISHED_KINDS[tx.kind];
  const fee = [
    [tx.fee_token ?? 0, 0, 30],
    [tx.fee ?? 0n, 30, 96],
  ];
  if (slot === 'P') {
    const f = pairFields(tx);
    const { x, y } = tx.kind === 'transfer_new' ? f.key : ZERO_KEY;
    return [pack([code, 0, 8], [f.from, 8, 30], [f.to, 38, 30], [f.token, 68, 30], [f.amount, 98, 96]), pack(...fee), x, y];
  }
  const f = singleFields(tx);
  const second = tx.kind === 'create_pool' || tx.kind === 'add_liquidity' ? f.amt1 : 0n;
  const tail = {
    deposit_new: [f.key.x, f.key.y],
    change_key: [f.key.x, f.key.y],
    withdraw: [f.dest.hi, f.dest.lo],
    refund: [f.dest.hi, f.dest.lo],
  }[tx.kind] ?? [0n, 0n];
  return [
    pack([code, 0, 8], [f.account, 8, 30], [f.ta, 38, 30], [f.tb, 68, 30], [f.amt0, 98, 96], [f.aux, 194, 14]),
    pack(...fee, [second, 126, 96]),
    ...tail,
  ];
}

/** Section 5.3: one step of the digest. Only signed transactions have one. */
export function digestStep(run, tx, chainId) {
  const [e1] = dataElements(tx);
  const c2 = pack([tx.fee_token, 0, 30], [tx.fee, 30, 96], [tx.nonce, 126, 64], [tx.expiry, 190, 48]);
  if (slotOfKind(tx) === 'P') {
    const { key } = pairFields(tx);
    return hash.pairDigest(run, e1 + pack([chainId, 194, 32]), c2, key.x, key.y);
  }
  const f = singleFields(tx);
  const c1 = e1 + pack([chainId, 208, 32]);
  const c3 = pack([f.amt1, 0, 96], [f.amt2, 96, 96]);
  return hash.singleDigest(run, c1, c2, c3, f.dest.hi, f.dest.lo, f.key.x, f.key.y);
}

/** Section 5.4: the head of the deposit queue after item `index`. */
export function depositStep(head, index, tx) {
  const isNew = tx.kind === 'deposit_new';
  const p = pack(
    [index, 0, 48],
    [tx.outpoint.vout, 48, 32],
    [isNew ? 0 : tx.account, 80, 30],
    [tx.token, 110, 30],
    [tx.amount, 140, 96],
    [isNew ? 1 : 0, 236, 1],
  );
  const txid = limbs(Buffer.from(tx.outpoint.txid).reverse()); // displayed order to serialised order
  const dest = limbs(tx.refund);
  const key = isNew ? tx.key : ZERO_KEY;
  return hash.depositStep(head, p, txid.hi, txid.lo, dest.hi, dest.lo, key.x, key.y);
}
