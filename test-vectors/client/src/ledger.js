// Section 6: execution of a batch.

import {
  MAX_NONCE,
  LP_BASE,
  credit,
  debit,
  isOrdinary,
  lpToken,
  newAccount,
  withKey,
  withNextNonce,
} from './account.js';
import { pack, limbs } from './field.js';
import { isValidKey, samePoint, verify } from './keys.js';
import * as pools from './pool.js';
import { hash } from './poseidon.js';
import { Refused, need } from './refused.js';
import { depositStep, digestStep, isSigned, signerOf } from './transactions.js';

/** One batch in the making. `attempt` executes a bundle, `finish` pays the fees out and closes the batch. */
export class Batch {
  constructor(preState, operator) {
    this.preState = preState;
    this.operator = operator;
    this.number = preState.batchNumber + 1;
    this.transactions = [];
    this.state = preState.copy();
    this.state.batchNumber = this.number;
    this.fees = new Map();
    this.withdrawals = [];
  }

  /** Executes a bundle: all of it, or none and an exception of class Refused. */
  attempt(bundle) {
    const before = { state: this.state, fees: this.fees, withdrawals: this.withdrawals };
    this.state = this.state.copy();
    this.fees = new Map(this.fees);
    this.withdrawals = [...this.withdrawals];
    try {
      const message = this.message(bundle);
      for (const tx of bundle) this.execute(tx, message);
    } catch (error) {
      Object.assign(this, before);
      throw error;
    }
    this.transactions.push(...bundle);
  }

  /** Credits the fees to the operator. The batch is then complete and `state` is the state after it. */
  finish() {
    need(this.state.accounts.has(this.operator), "the operator's account does not exist");
    this.state.accounts.set(this.operator, this.operatorWithFees());
    return this.state;
  }

  /** Section 5.3. A batch file tells the members of a bundle by their common message. */
  message(bundle) {
    if (!isSigned(bundle[0])) {
      need(bundle.length === 1, 'a deposit never stands inside a bundle');
      return null;
    }
    let run = 0n;
    for (const [i, tx] of bundle.entries()) {
      need(isSigned(tx), 'a deposit never stands inside a bundle');
      run = digestStep(run, tx, this.state.chainId);
      const named = bundle[0].message ?? run;
      need((tx.message ?? run) === named, 'members of a bundle name the same message');
      need((run === named) === (i === bundle.length - 1), 'a bundle ends where the digest equals the message');
    }
    return run;
  }

  execute(tx, message) {
    switch (tx.kind) {
      case 'deposit':
      case 'deposit_new':
        this.deposit(tx);
        break;
      default:
        this.signed(tx, message);
    }
    if (this.fees.size > 0) this.operatorWithFees(); // refused if they could not be paid out now
  }

  operatorWithFees() {
    let account = this.state.accounts.get(this.operator);
    need(account, "the operator's account does not exist");
    for (const token of [...this.fees.keys()].sort((a, b) => a - b)) {
      account = credit(account, token, this.fees.get(token), { foreign: true });
    }
    return account;
  }

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

  createAccount(key, token, amount) {
    const { state } = this;
    need(isValidKey(key), 'the key is not valid');
    need(state.nextAccount < state.accountCapacity, 'no room for another account');
    state.accounts.set(state.nextAccount, credit(newAccount(key), token, amount, { foreign: true }));
    state.nextAccount++;
  }

  emitWithdrawal(withdrawal) {
    this.withdrawals.push(withdrawal);
  }

  /** Section 6: the withdrawals root. */
  withdrawalsRoot() {
    return this.withdrawals.reduce((w, { account, token, amount, destination, refund }, position) => {
      const p1 = pack(
        [this.state.chainId, 0, 32],
        [this.number, 32, 48],
        [position, 80, 32],
        [account, 112, 30],
        [token, 142, 30],
      );
      const p2 = pack([amount, 0, 96], [refund ? 1 : 0, 96, 1]);
      const { hi, lo } = limbs(destination);
      return hash.withdrawalStep(w, p1, p2, hi, lo);
    }, 0n);
  }

  // ---- deposits

  deposit(tx) {
    need(isOrdinary(tx.token) && tx.amount >= 1n, 'the bridge queues ordinary tokens and amounts of at least 1');
    try {
      if (tx.kind === 'deposit_new') {
        this.createAccount(tx.key, tx.token, tx.amount);
      } else {
        const account = this.account(tx.account);
        this.state.accounts.set(tx.account, credit(account, tx.token, tx.amount, { foreign: true }));
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const account = tx.kind === 'deposit' ? tx.account : 0;
      this.emitWithdrawal({ account, token: tx.token, amount: tx.amount, destination: tx.refund, refund: true });
    }
    this.queueDeposit(tx);
  }

  queueDeposit(tx) {
    this.state.depositHead = depositStep(this.state.depositHead, this.state.depositCount, tx);
    this.state.depositCount++;
  }

  // ---- signed transactions

  authorize(tx, signer, message) {
    need(tx.nonce === signer.nonce, `nonce is ${tx.nonce}, expected ${signer.nonce}`);
    need(tx.expiry === 0 || this.number <= tx.expiry, 'expired');
    need(verify(tx.signature, message, signer), 'the signature does not verify');
  }

  signed(tx, message) {
    const index = signerOf(tx);
    const signer = this.account(index);
    need(signer.nonce !== MAX_NONCE, 'no nonce is left');
    need((tx.fee === 0n) === (tx.fee_token === 0), 'fee and fee token are both 0 or neither');
    this.authorize(tx, signer, message);

    const { debits, credits, effect } = this.effects(tx);
    let account = withNextNonce(signer);
    for (const [token, amount] of debits) account = debit(account, token, amount);
    if (tx.fee > 0n) {
      account = debit(account, tx.fee_token, tx.fee);
      this.fees.set(tx.fee_token, (this.fees.get(tx.fee_token) ?? 0n) + tx.fee);
    }
    for (const [token, amount] of credits) account = credit(account, token, amount);
    this.state.accounts.set(index, account);
    effect?.(index);
  }

  /** The rules of a kind. Gives what the signer pays and gets, and what happens elsewhere thereafter. */
  effects(tx) {
    const { state } = this;
    switch (tx.kind) {
      case 'transfer':
      case 'transfer_new': {
        need(tx.amount >= 1n, 'amount is at least 1');
        need(tx.token !== 0, 'no token');
        const debits = [[tx.token, tx.amount]];
        if (tx.kind === 'transfer_new') {
          return { debits, credits: [], effect: () => this.createAccount(tx.to_key, tx.token, tx.amount) };
        }
        need(tx.from !== tx.to, 'sender and recipient are the same');
        const to = this.account(tx.to);
        need(samePoint(to, tx.to_key), 'the recipient has another key');
        return {
          debits,
          credits: [],
          effect: () => state.accounts.set(tx.to, credit(to, tx.token, tx.amount, { foreign: true })),
        };
      }

      case 'swap': {
        const pool = this.pool(tx.pool);
        need(tx.direction === 0 || tx.direction === 1, 'direction is 0 or 1');
        need(tx.amount_in >= 1n, 'amount is at least 1');
        const { out, pool: after } = pools.swap(pool, tx.direction, tx.amount_in);
        need(out >= 1n && out >= tx.min_out, `the swap would give ${out}`);
        const [tokenIn, tokenOut] = tx.direction === 0 ? [pool.token0, pool.token1] : [pool.token1, pool.token0];
        return {
          debits: [[tokenIn, tx.amount_in]],
          credits: [[tokenOut, out]],
          effect: () => state.pools.set(tx.pool, after),
        };
      }

      case 'create_pool': {
        const { token0, token1, fee_bp: fee, amount0, amount1 } = tx;
        need(1 <= token0 && token0 < token1 && token1 < LP_BASE, 'tokens of a pool are ordinary and increasing');
        need(fee < 10_000, 'the fee is below 10000 basis points');
        need(amount0 >= 1n && amount1 >= 1n, 'amounts are at least 1');
        const { pool, shares } = pools.createPool({ token0, token1, fee, amount0, amount1 });
        need(state.nextPool < state.poolCapacity, 'no room for another pool');
        const index = state.nextPool;
        return {
          debits: [[token0, amount0], [token1, amount1]],
          credits: [[lpToken(index), shares]],
          effect: () => {
            state.pools.set(index, pool);
            state.nextPool++;
          },
        };
      }

      case 'add_liquidity': {
        const pool = this.pool(tx.pool);
        need(tx.max0 >= 1n && tx.max1 >= 1n, 'amounts are at least 1');
        const { shares, amount0, amount1, pool: after } = pools.addLiquidity(pool, tx.max0, tx.max1);
        need(shares >= 1n && shares >= tx.min_shares, `the deposit would give ${shares} shares`);
        return {
          debits: [[pool.token0, amount0], [pool.token1, amount1]],
          credits: [[lpToken(tx.pool), shares]],
          effect: () => state.pools.set(tx.pool, after),
        };
      }

      case 'remove_liquidity': {
        const pool = this.pool(tx.pool);
        need(tx.shares >= 1n, 'shares are at least 1');
        const { out0, out1, pool: after } = pools.removeLiquidity(pool, tx.shares);
        need(out0 >= 1n && out1 >= 1n && out0 >= tx.min0 && out1 >= tx.min1, `the shares would give ${out0}, ${out1}`);
        return {
          debits: [[lpToken(tx.pool), tx.shares]],
          credits: [[pool.token0, out0], [pool.token1, out1]],
          effect: () => state.pools.set(tx.pool, after),
        };
      }

      case 'change_key': {
        need(isValidKey(tx.key), 'the key is not valid');
        return {
          debits: [],
          credits: [],
          effect: (index) => state.accounts.set(index, withKey(this.account(index), tx.key)),
        };
      }

      case 'withdraw': {
        const { account, token, amount, destination } = tx;
        need(isOrdinary(token), 'the token is not ordinary');
        need(amount >= 1n, 'amount is at least 1');
        return {
          debits: [[token, amount]],
          credits: [],
          effect: () => this.emitWithdrawal({ account, token, amount, destination, refund: false }),
        };
      }

      default:
        throw new Refused(`unknown kind ${tx.kind}`);
    }
  }
}
