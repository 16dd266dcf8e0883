// Makes traffic: wallets that sign against the state as it is, and a sequencer that takes what they sign.

import { addLiquidity, swap } from './pool.js';
import { elementToHex, fromBytesBE, toBytesBE } from './field.js';
import { publicKey, sign } from './keys.js';
import { State } from './state.js';
import { anchorCommitment, anchorHeader, batchesRoot, sha256 } from './statement.js';
import { messageOf } from './transactions.js';
import { readBatchFile, writeBatchFile } from './batchfile.js';
import { Sequencer, executeFile } from './splitting.js';
import { replay } from './replay.js';
import { shapeOf } from './shapes.js';

/** Numbers from SHA-256 of a seed and a counter: the same on every machine. */
export class Random {
  constructor(seed) {
    this.seed = Buffer.from(seed);
    this.counter = 0;
  }

  bytes() {
    return sha256(this.seed, toBytesBE(this.counter++, 8));
  }

  below(n) {
    return fromBytesBE(this.bytes()) % n;
  }

  between(low, high) {
    return low + this.below(high - low + 1n);
  }
}

export const secretOf = (name) => sha256(Buffer.from(`tapstone test vector key ${name}`));

export class Scenario {
  constructor({ shape, chainId, seed, operator = 0 }) {
    this.shape = shapeOf(shape);
    this.chainId = chainId;
    this.random = new Random(`tapstone test vector ${seed}`);
    this.genesis = State.genesis(this.shape, chainId);
    this.sequencer = new Sequencer(this.shape, this.genesis, operator);
    this.transactions = [];
    this.indices = new Map();
    this.wallets = new Map();
  }

  get state() {
    return this.sequencer.current;
  }

  wallet(name) {
    if (!this.wallets.has(name)) {
      const secret = secretOf(name);
      this.wallets.set(name, { secret, key: publicKey(secret) });
    }
    return this.wallets.get(name);
  }

  index(name) {
    if (!this.indices.has(name)) throw new Error(`${name} has no account`);
    return this.indices.get(name);
  }

  account(name) {
    return this.state.accounts.get(this.index(name));
  }

  push(tx) {
    this.sequencer.push([tx]);
    this.transactions.push(tx);
  }

  /** `within`: the last batch that may hold the transaction, counted from the one that does; without it no expiry. */
  signed(name, fields, { fee = 0n, feeToken = 1, within } = {}) {
    const { secret } = this.wallet(name);
    const tx = {
      ...fields,
      fee_token: fee > 0n ? feeToken : 0,
      fee,
      nonce: this.account(name).nonce,
      expiry: 0,
    };
    if (within !== undefined) tx.expiry = this.sequencer.batchNumberOf([tx]) + within;
    tx.signature = sign(secret, messageOf([tx], this.chainId));
    this.push(tx);
  }

  opening(name) {
    if (this.indices.has(name)) throw new Error(`${name} has an account already`);
    this.indices.set(name, this.state.nextAccount);
    return this.wallet(name).key;
  }

  outpoint() {
    return { txid: this.random.bytes(), vout: Number(this.random.below(4n)) };
  }

  // ---- the kinds

  depositNew(name, token, amount) {
    const outpoint = this.outpoint();
    this.push({ kind: 'deposit_new', outpoint, key: this.opening(name), token, amount, refund: this.random.bytes() });
  }

  deposit(name, token, amount) {
    const outpoint = this.outpoint();
    this.push({ kind: 'deposit', outpoint, account: this.index(name), token, amount, refund: this.random.bytes() });
  }

  transfer(from, to, token, amount, options) {
    const { x, y } = this.account(to);
    const fields = { kind: 'transfer', from: this.index(from), to: this.index(to), to_key: { x, y }, token, amount };
    this.signed(from, fields, options);
  }

  transferNew(from, to, token, amount, options) {
    const to_key = this.opening(to);
    this.signed(from, { kind: 'transfer_new', from: this.index(from), to_key, token, amount }, options);
  }

  /** Accepts half a per cent less than the pool offers now. */
  swap(name, pool, direction, amount_in, options) {
    const { out } = swap(this.state.pools.get(pool), direction, amount_in);
    const min_out = out - out / 200n;
    this.signed(name, { kind: 'swap', account: this.index(name), pool, direction, amount_in, min_out }, options);
  }

  createPool(name, token0, token1, fee_bp, amount0, amount1, options) {
    const fields = { kind: 'create_pool', account: this.index(name), token0, token1, fee_bp, amount0, amount1 };
    this.signed(name, fields, options);
    return this.state.nextPool - 1;
  }

  addLiquidity(name, pool, max0, max1, options) {
    const { shares } = addLiquidity(this.state.pools.get(pool), max0, max1);
    const min_shares = shares - shares / 200n;
    this.signed(name, { kind: 'add_liquidity', account: this.index(name), pool, max0, max1, min_shares }, options);
  }

  // ---- the outcome

  file() {
    return writeBatchFile(
      { chainId: this.chainId, batch: 1, preStateRoot: this.genesis.root(), operator: this.sequencer.operator },
      this.transactions,
    );
  }
}

/** What a batch file that starts at genesis must lead to, computed from its text alone. */
export function expectedOf(shapeName, text, vk, madeBy) {
  const shape = shapeOf(shapeName);
  const file = readBatchFile(text);
  const genesis = State.genesis(shape, file.header.chain_id);
  const batches = executeFile(shape, genesis, file);

  let rebuilt = genesis;
  for (const { data, statement } of batches) {
    rebuilt = replay(rebuilt, data, statement.depositHead);
    if (rebuilt.root() !== statement.postStateRoot) throw new Error('the published data does not rebuild the state');
  }

  const root = batchesRoot(batches.map((b) => b.commitment(vk)));
  const header = anchorHeader({
    chainId: file.header.chain_id,
    sequence: 0,
    firstBatch: file.header.batch,
    numberOfBatches: batches.length,
    preStateRoot: batches[0].statement.preStateRoot,
    postStateRoot: batches.at(-1).statement.postStateRoot,
    batchesRoot: root,
  });
  return {
    shape: shapeName,
    chain_id: file.header.chain_id,
    made_by: madeBy,
    vk_id: vk.toString('hex'),
    batches: batches.map((b) => ({
      batch_number: b.statement.batchNumber,
      transactions: b.transactions.length,
      slots: b.slots,
      pre_state_root: elementToHex(b.statement.preStateRoot),
      post_state_root: elementToHex(b.statement.postStateRoot),
      account_root: elementToHex(b.state.accountRoot()),
      pool_root: elementToHex(b.state.poolRoot()),
      next_account: b.state.nextAccount,
      next_pool: b.state.nextPool,
      deposit_count: b.state.depositCount,
      data_hex: b.data.toString('hex'),
      data_hash: elementToHex(b.statement.dataHash),
      deposit_head: elementToHex(b.statement.depositHead),
      withdrawals_root: elementToHex(b.statement.withdrawalsRoot),
      public_input: elementToHex(b.publicInput),
      commitment: b.commitment(vk).toString('hex'),
    })),
    anchor: {
      sequence: 0,
      header_hex: header.toString('hex'),
      commitment: anchorCommitment(header).toString('hex'),
      batches_root: root.toString('hex'),
    },
  };
}
