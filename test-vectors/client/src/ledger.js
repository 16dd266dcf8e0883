// Section 6: execution of a batch.

import { MAX_NONCE, credit, debit, isOrdinary, newAccount, withKey, withNextNonce } from './account.js';
import { NO_RUN } from './bundle.js';
import { dataHash, encodeData } from './data.js';
import { EFFECTS } from './effects.js';
import { isValidKey, verify } from './keys.js';
import { OperatorFull, Refused, need } from './refused.js';
import { depositStep, isSigned, refundOf, signerOf } from './transactions.js';
import { withdrawalsRoot } from './withdrawals.js';

/** Batch numbers and the count of deposits stay below it. */
const NUMBER_END = 2 ** 48;

/**
 * One batch in the making, under the rules of validity. `attempt` executes a bundle, `finish` pays the fees out and
 * closes the batch: `state` is then the state after it.
 */
export class Batch {
  constructor(preState, operator) {
    this.preState = preState;
    this.operator = operator;
    this.number = preState.batchNumber + 1;
    need(this.number < NUMBER_END, 'the last batch number is used');
    this.state = preState.copy();
    this.state.batchNumber = this.number;
    this.fees = new Map();
    this.withdrawals = [];
    this.transactions = []; // as published: a refunded deposit stands here as a refund
    this.run = NO_RUN;
  }

  /** Executes a bundle: all of it, or none and an exception of class Refused. */
  attempt(bundle) {
    const { state, fees, withdrawals, transactions, run } = this;
    this.state = state.copy();
    this.fees = new Map(fees);
    this.withdrawals = [...withdrawals];
    this.transactions = [...transactions];
    try {
      for (const tx of bundle) this.execute(tx);
      this.run.needEnd('a bundle ends where the digest equals the message');
    } catch (error) {
      Object.assign(this, { state, fees, withdrawals, transactions, run });
      throw error;
    }
  }

  /** Executes one transaction. Unlike `attempt` this may leave a bundle open, and a refusal leaves the batch spoilt. */
  execute(tx) {
    if (isSigned(tx)) {
      this.signed(tx);
    } else {
      this.run.needEnd('a deposit never stands inside a bundle');
      this.deposit(tx);
    }
  }

  finish() {
    this.run.needEnd('a bundle is never cut by the end of a batch');
    this.state.accounts.set(this.operator, this.operatorWithFees());
    return this.state;
  }

  operatorWithFees() {
    let account = this.state.accounts.get(this.operator);
    need(account, "the operator's account does not exist");
    for (const token of [...this.fees.keys()].sort((a, b) => a - b)) {
      account = credit(account, token, this.fees.get(token), { foreign: true });
    }
    return account;
  }

  // ---- what the rules look at and change

  account(index) {
    const account = this.state.accounts.get(index);
    need(account, `account ${index} does not exist`);
    return account;
  }

  pool(index) {
    const pool = this.state.pools.get(index);
    need(pool, `pool ${index} does not exist`);
    return pool;
  }

  creditForeign(index, token, amount) {
    this.state.accounts.set(index, credit(this.account(index), token, amount, { foreign: true }));
  }

  createAccount(key, token, amount) {
    const { state } = this;
    need(isValidKey(key), 'the key is not valid');
    need(state.nextAccount < state.accountCapacity, 'no room for another account');
    state.accounts.set(state.nextAccount, credit(newAccount(key), token, amount, { foreign: true }));
    state.nextAccount++;
  }

  setKey(index, key) {
    this.state.accounts.set(index, withKey(this.account(index), key));
  }

  setPool(index, pool) {
    this.state.pools.set(index, pool);
  }

  createPool(pool) {
    this.setPool(this.state.nextPool, pool);
    this.state.nextPool++;
  }

  // ---- deposits

  deposit(tx) {
    need(isOrdinary(tx.token) && tx.amount >= 1n, 'the bridge queues ordinary tokens and amounts of at least 1');
    need(this.state.depositCount + 1 < NUMBER_END, 'the last index of the queue is used');
    this.transactions.push(this.settle(tx));
    this.countDeposit(tx);
  }

  /** Credits a deposit or emits its refund. Gives what is published of it. */
  settle(tx) {
    return this.isCredited(tx) ? tx : this.emitRefund(refundOf(tx));
  }

  /** Credits a deposit if that is possible. */
  isCredited(tx) {
    try {
      if (tx.kind === 'deposit_new') this.createAccount(tx.key, tx.token, tx.amount);
      else this.creditForeign(tx.account, tx.token, tx.amount);
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return false;
    }
  }

  emitRefund(refund) {
    const { account, token, amount, destination } = refund;
    this.withdrawals.push({ account, token, amount, destination, refund: true });
    return refund;
  }

  countDeposit(tx) {
    this.state.depositHead = depositStep(this.state.depositHead, this.state.depositCount, tx);
    this.state.depositCount++;
  }

  // ---- signed transactions

  signed(tx) {
    const index = signerOf(tx);
    const signer = this.account(index);
    need(signer.nonce !== MAX_NONCE, 'no nonce is left');
    need((tx.fee === 0n) === (tx.fee_token === 0), 'fee and fee token are both 0 or neither');
    this.authorize(tx, signer);

    const { debits = [], credits = [], effect } = EFFECTS[tx.kind](this, tx);
    let account = withNextNonce(signer);
    for (const [token, amount] of debits) account = debit(account, token, amount);
    if (tx.fee > 0n) {
      account = debit(account, tx.fee_token, tx.fee);
      this.fees.set(tx.fee_token, (this.fees.get(tx.fee_token) ?? 0n) + tx.fee);
    }
    for (const [token, amount] of credits) account = credit(account, token, amount);
    this.state.accounts.set(index, account);
    effect();
    this.transactions.push(tx);
  }

  authorize(tx, signer) {
    need(tx.nonce === signer.nonce, `nonce is ${tx.nonce}, expected ${signer.nonce}`);
    need(tx.expiry === 0 || this.number <= tx.expiry, 'expired');
    this.run = this.run.after(tx, this.state.chainId);
    need(verify(tx.signature, this.run.message, signer), 'the signature does not verify');
  }

  // ---- what the batch comes to

  withdrawalsRoot() {
    return withdrawalsRoot(this.state.chainId, this.number, this.withdrawals);
  }

  /** The published bytes. */
  data() {
    const { number: batchNumber, operator, transactions } = this;
    const { chainId, depositHead } = this.state;
    return encodeData({ chainId, batchNumber, operator, transactions, depositHead });
  }

  /** Section 8, of a finished batch. */
  statement() {
    return {
      chainId: this.state.chainId,
      batchNumber: this.number,
      preStateRoot: this.preState.root(),
      postStateRoot: this.state.root(),
      dataHash: dataHash(this.operator, this.transactions),
      depositHead: this.state.depositHead,
      withdrawalsRoot: this.withdrawalsRoot(),
    };
  }
}

/** A batch of an operator, whose ledger also refuses what could spoil the batch at its end. */
export class OperatorBatch extends Batch {
  execute(tx) {
    super.execute(tx);
    if (this.fees.size > 0) this.needOperator();
  }

  needOperator() {
    try {
      this.operatorWithFees();
    } catch (error) {
      throw error instanceof Refused ? new OperatorFull(error.message) : error;
    }
  }
}
