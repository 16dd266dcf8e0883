// Section 5.3: messages and bundles; section 11: the bundles of a batch file.

import { need } from './refused.js';
import { digestStep } from './transactions.js';

/** The message that every member of a bundle signs; a transaction on its own is a bundle of one. */
export const messageOf = (bundle, chainId) => bundle.reduce((run, tx) => digestStep(run, tx, chainId), 0n);

/** Of a file: a bundle is a longest run of neighbours with the same message. Whether it is one is for the ledger to say. */
export function bundlesOf(transactions) {
  const bundles = [];
  let last;
  for (const tx of transactions) {
    if (tx.message !== undefined && tx.message === last) bundles.at(-1).push(tx);
    else bundles.push([tx]);
    last = tx.message;
  }
  return bundles;
}

/** The running digest of a batch and the message that it has to arrive at. Never changed, only replaced. */
export class Run {
  constructor(digest, message) {
    this.digest = digest;
    this.message = message;
    Object.freeze(this);
  }

  /** After a signed transaction, which was signed over the `message` of the run returned. */
  after(tx, chainId) {
    const digest = digestStep(this.digest, tx, chainId);
    const message = this.digest === 0n ? (tx.message ?? digest) : tx.message;
    need(this.digest === 0n || message === this.message, 'members of a bundle name the same message');
    return new Run(digest === message ? 0n : digest, message);
  }

  needEnd(rule) {
    need(this.digest === 0n, rule);
  }
}

export const NO_RUN = new Run(0n, null);
