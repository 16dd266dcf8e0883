// Makes traffic: wallets that sign against the state as it is, and a sequencer that takes what they sign.

import { balanceOf, lpToken } from './account.js';
import { writeBatchFile } from './batchfile.js';
import { messageOf } from './bundle.js';
import { fromBytesBE, toBytesBE } from './field.js';
import { publicKey, sign } from './keys.js';
import { addLiquidity, removeLiquidity, swap } from './pool.js';
import { Sequencer } from './sequencer.js';
import { shapeOf } from './shapes.js';
import { State } from './state.js';
import { sha256 } from './statement.js';
import { signerOf } from './transactions.js';

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

/** Half a per cent less than what the pool offers now. */
const slightlyLess = (amount) => amount - amount / 200n;

export class Scenario {
  constructor({ shape, chainId, seed, operator = 0 }) {
    this.shape = shapeOf(shape);
    this.chainId = chainId;
    this.random = new Random(`tapstone test vector ${seed}`);
    this.genesis = State.genesis(this.shape, chainId);
    this.sequencer = new Sequencer(this.shape, this.genesis, operator);
    this.transactions = [];
    this.indices = new Map(); // of accounts, by name
    this.wallets = new Map();
    this.members = null; // of the bundle that is being made
  }

  get state() {
    return this.sequencer.current;
  }

  wallet(name) {
    if (!this.wallets.has(name)) this.setSecret(name, secretOf(name));
    return this.wallets.get(name);
  }

  setSecret(name, secret) {
    this.wallets.set(name, { secret, key: publicKey(secret) });
  }

  index(name) {
    if (!this.indices.has(name)) throw new Error(`${name} has no account`);
    return this.indices.get(name);
  }

  account(name) {
    return this.state.accounts.get(this.index(name));
  }

  balance(name, token) {
    return balanceOf(this.account(name), token);
  }

  /** Takes a bundle as it is. */
  push(bundle) {
    this.sequencer.push(bundle);
    this.transactions.push(...bundle);
  }

  // ---- signing

  /** `within`: the last batch that may hold the transaction, counted from the one that does; without it no expiry. */
  signed(name, fields, { fee = 0n, feeToken = 1, within, nextSecret } = {}) {
    const { secret } = this.wallet(name);
    const tx = { ...fields, fee_token: fee > 0n ? feeToken : 0, fee, nonce: null, expiry: 0 };
    if (nextSecret) this.setSecret(name, nextSecret);
    const member = { tx, secret, within };
    if (this.members) this.members.push(member);
    else this.take([member]);
  }

  /** Everything that `make` signs becomes one bundle. */
  bundle(make) {
    this.members = [];
    make();
    const { members } = this;
    this.members = null;
    this.take(members);
  }

  take(members) {
    this.push(this.sign(members));
  }

  /** Nonces, expiries and signatures of a bundle, against the state as it is. */
  sign(members) {
    const bundle = members.map(({ tx }) => tx);
    const nonces = new Map();
    for (const tx of bundle) {
      const signer = signerOf(tx);
      tx.nonce = nonces.get(signer) ?? this.state.accounts.get(signer)?.nonce ?? 0n; // 0: the bundle makes the account
      nonces.set(signer, tx.nonce + 1n);
    }
    const batchNumber = this.sequencer.batchNumberOf(bundle);
    for (const { tx, within } of members) if (within !== undefined) tx.expiry = batchNumber + within;
    const message = messageOf(bundle, this.chainId);
    for (const { tx, secret } of members) {
      tx.signature = sign(secret, message);
      if (members.length > 1) tx.message = message;
    }
    return bundle;
  }

  // ---- deposits

  outpoint() {
    return { txid: this.random.bytes(), vout: Number(this.random.below(4n)) };
  }

  /** Names the account that is made next. */
  opening(name) {
    if (this.indices.has(name)) throw new Error(`${name} has an account already`);
    const opened = (this.members ?? []).filter(({ tx }) => tx.kind === 'transfer_new').length; // by the bundle so far
    this.indices.set(name, this.state.nextAccount + opened);
    return this.wallet(name).key;
  }

  depositNew(name, token, amount) {
    const outpoint = this.outpoint();
    this.push([{ kind: 'deposit_new', outpoint, key: this.opening(name), token, amount, refund: this.random.bytes() }]);
  }

  /** To a key that no wallet has. */
  depositToKey(key, token, amount) {
    this.push([{ kind: 'deposit_new', outpoint: this.outpoint(), key, token, amount, refund: this.random.bytes() }]);
  }

  deposit(name, token, amount) {
    this.depositTo(this.index(name), token, amount);
  }

  depositTo(account, token, amount) {
    this.push([{ kind: 'deposit', outpoint: this.outpoint(), account, token, amount, refund: this.random.bytes() }]);
  }

  // ---- signed kinds

  transfer(from, to, token, amount, options) {
    const fields = { from: this.index(from), to: this.index(to), to_key: this.wallet(to).key, token, amount };
    this.signed(from, { kind: 'transfer', ...fields }, options);
  }

  transferNew(from, to, token, amount, options) {
    const to_key = this.opening(to);
    this.signed(from, { kind: 'transfer_new', from: this.index(from), to_key, token, amount }, options);
  }

  swap(name, pool, direction, amount_in, options) {
    const { out } = swap(this.state.pools.get(pool), direction, amount_in);
    const fields = { account: this.index(name), pool, direction, amount_in, min_out: slightlyLess(out) };
    this.signed(name, { kind: 'swap', ...fields }, options);
  }

  createPool(name, token0, token1, fee_bp, amount0, amount1, options) {
    const fields = { kind: 'create_pool', account: this.index(name), token0, token1, fee_bp, amount0, amount1 };
    this.signed(name, fields, options);
    return this.state.nextPool - 1;
  }

  addLiquidity(name, pool, max0, max1, options) {
    const { shares } = addLiquidity(this.state.pools.get(pool), max0, max1);
    const fields = { account: this.index(name), pool, max0, max1, min_shares: slightlyLess(shares) };
    this.signed(name, { kind: 'add_liquidity', ...fields }, options);
  }

  /** With `exact` the signer insists on what the pool gives now. Without `shares` all that the account holds. */
  removeLiquidity(name, pool, shares = this.balance(name, lpToken(pool)), { exact = false, ...options } = {}) {
    const { out0, out1 } = removeLiquidity(this.state.pools.get(pool), shares);
    const [min0, min1] = exact ? [out0, out1] : [slightlyLess(out0), slightlyLess(out1)];
    this.signed(name, { kind: 'remove_liquidity', account: this.index(name), pool, shares, min0, min1 }, options);
  }

  /** The wallet signs with the new key from the next transaction on. */
  changeKey(name, label, options) {
    const nextSecret = secretOf(label);
    const fields = { kind: 'change_key', account: this.index(name), key: publicKey(nextSecret) };
    this.signed(name, fields, { ...options, nextSecret });
  }

  /** Without `amount` the whole balance. */
  withdraw(name, token, amount = this.balance(name, token), options = {}) {
    const fields = { account: this.index(name), token, amount, destination: this.random.bytes() };
    this.signed(name, { kind: 'withdraw', ...fields }, options);
  }

  // ---- the outcome

  file() {
    return writeBatchFile(
      { chainId: this.chainId, batch: 1, preStateRoot: this.genesis.root(), operator: this.sequencer.operator },
      this.transactions,
    );
  }
}
