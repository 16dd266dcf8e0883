import { Scenario } from '../src/scenario.js';

/** Every leaf of the smallest account tree is taken; after that new accounts are refunded. */
export function tinyFull() {
  const s = new Scenario({ shape: 'tiny', chainId: 64, seed: 'tiny-full' });
  const last = (8 ** s.shape.account_depth) - 1;
  s.depositNew('account 0', 1, 1_000_000n);
  for (let i = 1; i <= last; i++) {
    if (i % 2 === 0) s.depositNew(`account ${i}`, 2 + (i % 5), s.random.between(1n, 10n ** 9n));
    else s.transferNew('account 0', `account ${i}`, 1, s.random.between(1n, 20_000n), i % 4 === 1 ? { fee: 25n } : {});
  }
  s.depositToKey(s.wallet('nobody').key, 1, 546n);
  s.transfer(`account ${last}`, 'account 0', 1, 1n);
  s.deposit(`account ${last}`, 7, 2n ** 95n);
  s.transfer('account 0', `account ${last}`, 1, 5n, { fee: 3n });
  return s;
}
