import { MAX_AMOUNT, lpToken } from '../src/account.js';
import { Scenario } from '../src/scenario.js';
import { IDENTITY, besides } from './invalid-keys.js';
import { GOLD, M, USD } from './units.js';

const OIL = 9;

/** Liquidity that comes back, keys that change, withdrawals, refunds for every reason but a full tree, bundles. */
export function tinyKinds() {
  const s = new Scenario({ shape: 'tiny', chainId: 1026, seed: 'tiny-kinds' });
  accounts(s);
  const [first, second] = liquidity(s);
  keysAndWithdrawals(s);
  refunds(s);
  bundles(s, first, second);
  return s;
}

function accounts(s) {
  s.depositNew('operator', 1, 50n * M);
  s.transferNew('operator', 'alice', 1, 20n * M);
  s.depositNew('bob', USD, 9_000n * M);
  s.transfer('alice', 'bob', 1, 6n * M, { fee: 200n, within: 0 });

  s.deposit('alice', USD, 3_000n * M);
  s.transferNew('bob', 'carol', USD, 700n * M, { feeToken: USD, fee: 40_000n });
  s.deposit('alice', GOLD, s.random.between(4n * M, 5n * M));
  s.transferNew('alice', 'dave', 1, 2n * M, { fee: 150n, within: 3 });
}

function liquidity(s) {
  // An atomic exchange beside a pool that has only one holder.
  const first = s.createPool('alice', USD, GOLD, 30, 800n * M, 2n * M, { fee: 45_000n, feeToken: USD });
  s.bundle(() => {
    s.transfer('alice', 'bob', 1, 100_000n, { fee: 200n, within: 0 });
    s.transfer('bob', 'alice', USD, 25n * M);
  });

  s.removeLiquidity('alice', first, s.random.between(M, 30n * M), { exact: true, fee: 250n });
  s.transfer('bob', 'carol', 1, M);
  const second = s.createPool('bob', 1, USD, 100, 3n * M, 600n * M, { fee: 250n, within: 2 });
  s.transfer('bob', 'carol', lpToken(second), 9_000_000n, { fee: 1_200n, feeToken: lpToken(second) });

  // What remains of the first pool are the locked shares; then it grows again from them.
  s.removeLiquidity('alice', first, undefined, { exact: true, fee: 45_000n, feeToken: USD });
  s.transfer('carol', 'dave', lpToken(second), 5_000_000n, { fee: 170n });
  s.addLiquidity('alice', first, 300n * M, M, { fee: 250n, within: 1 });
  s.transfer('carol', 'alice', USD, 12_345n, { feeToken: USD, fee: 1n });

  s.removeLiquidity('carol', second, undefined, { fee: 700n, feeToken: USD });
  s.transfer('alice', 'dave', 1, 777n);
  s.removeLiquidity('dave', second, 4_999_000n, { fee: 1_000n, feeToken: lpToken(second) }); // the fee is the rest
  return [first, second];
}

function keysAndWithdrawals(s) {
  s.changeKey('bob', 'bob, second key', { fee: 120n, within: 0 });
  s.transfer('bob', 'carol', USD, 40n * M, { fee: 30_000n, feeToken: USD }); // by the new key
  s.withdraw('bob', 1, undefined, { fee: 30_000n, feeToken: USD }); // all of it
  s.transfer('carol', 'bob', 1, 50_000n); // names the new key

  s.withdraw('carol', USD, s.random.between(M, 100n * M), { fee: 120n, within: 4 });
  s.withdraw('dave', 1, 600_000n);

  s.withdraw('operator', USD); // the fees of the batches before
  s.transfer('operator', 'alice', 1, 5_000n, { fee: 1n });
  s.changeKey('alice', 'alice, second key');
}

function refunds(s) {
  s.depositTo(40, 1, 70_000n); // no such account
  s.transfer('alice', 'operator', GOLD, 3n, { fee: 2n, feeToken: GOLD });
  s.depositTo(8 ** 2 + 5, USD, 1n); // no such leaf
  s.transfer('operator', 'carol', 1, 999n);

  s.depositTo(2 ** 30 - 1, OIL, MAX_AMOUNT);
  s.deposit('bob', OIL, MAX_AMOUNT); // the most that an account can hold
  s.deposit('bob', OIL, 1n);
  s.withdraw('bob', OIL, undefined, { fee: 11n, feeToken: USD });

  s.deposit('bob', USD, MAX_AMOUNT + 1n - s.balance('bob', USD)); // one too many
  s.transfer('bob', 'alice', 1, 1n);
  s.deposit('alice', OIL, 5n); // the fourth slot of the seven
  s.deposit('alice', 12, 5n); // a fifth is for alice alone to take
  s.deposit('alice', OIL, 7n);

  s.depositToKey(besides(s.wallet('erin').key), 1, 546n);
  s.depositToKey(IDENTITY, USD, 10n ** 20n);
  s.depositTo(s.state.nextAccount, 1, 1n); // the next transaction makes the account
  s.depositNew('erin', 1, 40_000n);
}

function bundles(s, first, second) {
  // Three signers, both slot kinds; one transaction stands in the way, so that the bundle moves as a whole.
  s.transfer('carol', 'dave', USD, 1_000n, { fee: 9n, feeToken: USD });
  s.bundle(() => {
    s.swap('carol', second, 1, 10n * M, { fee: 900n });
    s.transfer('erin', 'carol', 1, 12_000n, { fee: 50n, within: 0 });
    s.withdraw('alice', GOLD, 44_000n, { fee: 20_000n, feeToken: USD, within: 9 });
  });
  s.transfer('dave', 'erin', 1, 4_000n);

  // One signer twice.
  s.deposit('operator', 1, 600n);
  s.bundle(() => {
    s.transfer('alice', 'erin', lpToken(first), 2_000n, { fee: 3n, feeToken: lpToken(first) });
    s.swap('alice', first, 0, 2n * M, { fee: 130n });
  });

  // The second member signs with the key that the first one sets.
  s.bundle(() => {
    s.changeKey('carol', 'carol, second key', { fee: 120n });
    s.transfer('carol', 'dave', USD, 31n, { fee: 6n, feeToken: USD });
  });
  // An account that its own bundle makes.
  s.bundle(() => {
    s.withdraw('erin', 1, 1_234n);
    s.transferNew('dave', 'frank', 1, 90_000n, { fee: 200n, within: 0 });
  });

  s.bundle(() => {
    s.transferNew('alice', 'grace', USD, 5n * M, { fee: 25n, feeToken: USD });
    s.withdraw('grace', USD, 5n * M - 7n, { fee: 7n, feeToken: USD }); // and empties it
  });

  // A whole batch.
  s.bundle(() => {
    s.removeLiquidity('alice', first, 7_000_000n, { fee: 100n });
    s.transfer('alice', 'bob', GOLD, 100n);
    s.addLiquidity('alice', first, 9n * M, 20_000n, { fee: 2n, feeToken: GOLD, within: 1 });
    s.transfer('bob', 'alice', USD, 150_000n, { fee: 1n });
  });

  // There are slots enough for this bundle, but a third fee token moves it.
  s.swap('alice', second, 0, 10_000n, { fee: 1n, feeToken: GOLD });
  s.bundle(() => {
    s.transfer('carol', 'alice', 1, 5n, { fee: 5n });
    s.withdraw('bob', USD, 5n, { fee: 5n, feeToken: USD });
  });
}
