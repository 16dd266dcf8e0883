// Section 4, account leaf; section 6, debit and credit. Accounts are never changed, only replaced.

import { pack } from './field.js';
import { hash } from './poseidon.js';
import { Refused } from './refused.js';

export const NATIVE = 1;
export const LP_BASE = 2 ** 29;
export const lpToken = (pool) => LP_BASE + pool;
export const isOrdinary = (token) => token >= 1 && token < LP_BASE;

export const MAX_AMOUNT = 2n ** 96n - 1n;
export const MAX_NONCE = 2n ** 64n - 1n;

const SLOTS = 8;
const OWNER_RESERVE = 3; // slots that a foreign credit must leave empty

/** `tokens[0]` stays 0: slot 0 is the native token and its id is not stored. */
const make = (fields) => Object.freeze({
  ...fields,
  tokens: Object.freeze(fields.tokens),
  balances: Object.freeze(fields.balances),
});

export const newAccount = ({ x, y }) =>
  make({ x, y, nonce: 0n, tokens: Array(SLOTS).fill(0), balances: Array(SLOTS).fill(0n) });

export const EMPTY_ACCOUNT = newAccount({ x: 0n, y: 0n });

export const withKey = (account, { x, y }) => make({ ...account, x, y });
export const withNextNonce = (account) => make({ ...account, nonce: account.nonce + 1n });

const slotOf = (account, token) => (token === NATIVE ? 0 : account.tokens.indexOf(token, 1));

function withSlot(account, slot, token, balance) {
  const tokens = [...account.tokens];
  const balances = [...account.balances];
  balances[slot] = balance;
  if (slot > 0) tokens[slot] = balance === 0n ? 0 : token;
  return make({ ...account, tokens, balances });
}

export function balanceOf(account, token) {
  const slot = token === 0 ? -1 : slotOf(account, token);
  return slot < 0 ? 0n : account.balances[slot];
}

export function debit(account, token, amount) {
  if (amount < 1n) throw new Refused('a debit takes at least 1');
  const balance = balanceOf(account, token);
  if (balance < amount) throw new Refused(`balance of token ${token} is too small`);
  return withSlot(account, slotOf(account, token), token, balance - amount);
}

export function credit(account, token, amount, { foreign = false } = {}) {
  if (amount < 1n) throw new Refused('a credit gives at least 1');
  let slot = slotOf(account, token);
  if (slot < 0) {
    slot = account.tokens.indexOf(0, 1);
    if (slot < 0) throw new Refused('no empty slot');
    const left = account.tokens.slice(1).filter((t) => t === 0).length - 1;
    if (foreign && left < OWNER_RESERVE) throw new Refused('a foreign credit must leave three slots empty');
  }
  const balance = account.balances[slot] + amount;
  if (balance > MAX_AMOUNT) throw new Refused('balance would reach 2^96');
  return withSlot(account, slot, token, balance);
}

export function accountLeaf({ x, y, nonce, tokens, balances: b }) {
  const ids = tokens.slice(1).map((token, i) => [token, 30 * i, 30]);
  const two = (i) => pack([b[i], 0, 96], [b[i + 1], 126, 96]);
  return hash.accountLeaf(x, y, pack([nonce, 0, 64], [1, 64, 1]), pack(...ids), two(0), two(2), two(4), two(6));
}
