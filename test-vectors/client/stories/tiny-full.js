import { Scenario } from '../src/scenario.js';

/** Every leaf of the smallest account tree is taken; after that new accounts are refunded, and traffic runs out of nodes. */
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
  farAccounts(s);
  return s;
}

/** Accounts with the same `floor(i / 8)` share a node. A batch has room for the root and five more, one of them the operator's. */
function farAccounts(s) {
  const account = (i) => `account ${i}`;
  s.deposit(account(9), 1, 600n);
  s.transfer(account(17), account(25), 1, 2n);
  s.deposit(account(33), 7, 8n);
  s.transfer(account(41), account(49), 1, 2n); // moves: all six nodes are in use, and it needs two more

  s.bundle(() => {
    s.withdraw(account(9), 1, 400n, { fee: 4n });
    s.transfer(account(57), account(18), 1, 1n); // the second member finds too few nodes, so that both move
  });
  s.depositToKey(s.wallet('nobody').key, 1, 547n); // touches nothing
  s.transfer(account(57), account(1), 1, 1n, { fee: 1n });

  s.transfer(account(1), account(63), 1, 3n);
  s.depositTo(8 ** s.shape.account_depth, 1, 548n); // likewise
  s.transfer(account(33), account(41), 1, 1n);
}
