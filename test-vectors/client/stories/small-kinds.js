import { MAX_AMOUNT, lpToken } from '../src/account.js';
import { Scenario } from '../src/scenario.js';
import { IDENTITY, ORDER_2, besides } from './invalid-keys.js';
import { COIN, E18, GOLD, M, USD } from './units.js';

const ETHER = 100;
const HIGH = 2 ** 29 - 1; // the last ordinary token

/** The later kinds, refunds and bundles among other traffic, with large amounts and an operator that is not account 0. */
export function smallKinds() {
  const s = new Scenario({ shape: 'small', chainId: 4_000_000_001, seed: 'small-kinds', operator: 2 });
  const pools = opening(s);
  liquidity(s, pools);
  refunds(s);
  bundles(s, pools);
  closing(s, pools);
  return s;
}

function opening(s) {
  s.depositNew('alice', 1, 21n * M * COIN);
  s.depositNew('bob', ETHER, 2n ** 90n - 1n);
  s.transferNew('alice', 'operator', 1, 3n * COIN);
  s.deposit('alice', USD, 70_000_000n * M);
  s.depositNew('carol', HIGH, 2n ** 95n);
  s.transfer('alice', 'bob', 1, 500n * COIN, { fee: 2_000n, within: 0 });
  const dollar = s.createPool('alice', 1, USD, 30, 100n * COIN, 6_000_000n * M, { fee: 5_000n });
  s.deposit('alice', GOLD, s.random.between(2n ** 60n, 2n ** 61n));
  s.transferNew('carol', 'dave', HIGH, 2n ** 80n, { fee: s.random.below(2n ** 50n), feeToken: HIGH });
  const ether = s.createPool('bob', 1, ETHER, 5, 200n * COIN, 6_000n * E18, { fee: 10n ** 15n, feeToken: ETHER });
  s.deposit('dave', 1, 40n * COIN);
  s.transfer('dave', 'carol', 1, 10n * COIN, { fee: 2_000n });
  return { dollar, ether };
}

function liquidity(s, { dollar, ether }) {
  // The only holder of a pool takes all that is not locked, another one pays in again.
  s.removeLiquidity('bob', ether, undefined, { exact: true, fee: 10n ** 15n, feeToken: ETHER });
  s.removeLiquidity('alice', dollar, s.random.between(10n ** 10n, 10n ** 11n), { exact: true, fee: 5_000n });
  s.transfer('bob', 'dave', ETHER, 900n * E18, { fee: 2_000n, within: 1 });
  s.addLiquidity('dave', ether, 20n * COIN, 800n * E18, { fee: 5_000n });
  s.swap('bob', ether, 1, 3n * E18, { fee: 1_500n });
  s.transfer('alice', 'carol', lpToken(dollar), 2n * 10n ** 10n, { fee: 10n ** 6n, feeToken: lpToken(dollar) });
  s.removeLiquidity('carol', dollar, undefined, { fee: 4_000n });
  s.withdraw('alice', 1, 10_000n * COIN, { fee: 3_000n, within: 0 });
  s.transfer('dave', 'alice', lpToken(ether), 12_345n);
  s.removeLiquidity('alice', ether, undefined, { fee: 99n });
  s.changeKey('carol', 'carol, second key', { fee: 800n });
  s.transfer('carol', 'dave', HIGH, s.random.below(2n ** 90n), { fee: 800n }); // by the new key

  s.withdraw('carol', 1, undefined, { fee: 2n ** 40n, feeToken: HIGH }); // all of it
  s.withdraw('dave', ETHER, undefined, { fee: 700n });
  s.transfer('alice', 'carol', USD, 5_000n * M, { fee: 2_000n }); // names the new key
  s.withdraw('operator', HIGH, undefined, { fee: 1n });
  s.changeKey('carol', 'carol', { fee: 60_000n, feeToken: USD }); // back to the first key
  s.transfer('carol', 'bob', USD, 1_000n * M, { fee: 60_000n, feeToken: USD });
}

function refunds(s) {
  s.depositTo(8 ** 4 + 5, 1, 546n); // no such leaf
  s.depositTo(1000, USD, MAX_AMOUNT); // no such account
  s.transfer('dave', 'alice', 1, 1n);
  s.depositTo(2 ** 30 - 1, HIGH, 1n);
  s.withdraw('bob', 1, 50n * COIN, { fee: 3_000n });

  s.depositToKey(besides(s.wallet('nobody').key), ETHER, 7n * E18);
  s.depositToKey(IDENTITY, 1, 1_000n);
  s.depositToKey(ORDER_2, HIGH, MAX_AMOUNT);
  s.transfer('bob', 'dave', USD, 1_000n * M - 600n, { fee: 600n, feeToken: USD }); // empties the slot

  // Exactly 2^96 is one too many; one less is the most that an account can hold.
  s.deposit('carol', HIGH, MAX_AMOUNT + 1n - s.balance('carol', HIGH));
  s.deposit('carol', HIGH, MAX_AMOUNT - s.balance('carol', HIGH));
  s.transfer('alice', 'bob', 1, s.random.below(COIN), { fee: 2_000n, within: 2 ** 20 });
  s.depositTo(0, 1, MAX_AMOUNT); // account 0 exists and is full all the same

  // Four of alice's seven slots are taken; strangers may not take a fifth.
  s.deposit('alice', 501, 15n * 10n ** 9n);
  s.deposit('alice', ETHER, 2n);
  s.transfer('dave', 'bob', HIGH, 2n ** 70n);
  s.withdraw('alice', GOLD); // frees a slot
  s.deposit('alice', 501, 10n ** 25n);
  s.deposit('alice', 502, 1n);
  s.depositNew('erin', 1, 2n * COIN);
  s.deposit('operator', USD, 5n);
}

function bundles(s, { dollar, ether }) {
  // An exchange between two parties, and one between three.
  s.bundle(() => {
    s.transfer('alice', 'bob', USD, 61_000n * M, { fee: 2_000n, within: 0 });
    s.transfer('bob', 'alice', 1, COIN, { fee: 2_000n, within: 3 });
  });
  s.withdraw('erin', 1, COIN / 8n, { fee: 3_000n });
  s.bundle(() => {
    s.transfer('alice', 'bob', 501, s.random.below(10n ** 24n));
    s.swap('bob', dollar, 1, 20_000n * M, { fee: 40_000n, feeToken: USD });
    s.withdraw('carol', HIGH, 2n ** 94n + 1n, { fee: 2n ** 45n, feeToken: HIGH });
  });
  s.transfer('erin', 'carol', 1, COIN / 4n, { fee: 2_000n });

  // One signer twice, with the other slot kind between; it does not fit the rest of the batch before.
  s.bundle(() => {
    s.swap('alice', dollar, 0, s.random.between(COIN, 9n * COIN), { fee: 1_500n });
    s.transfer('carol', 'alice', USD, 12n * M, { fee: 900n });
    s.addLiquidity('alice', dollar, 2n * COIN, 90_000n * M, { fee: 50_000n, feeToken: USD });
    s.transfer('alice', 'erin', lpToken(dollar), 4_000_000n, { fee: 2_000n, feeToken: lpToken(dollar) });
  });

  // A key that changes on the way, and an account that signs in the bundle that makes it.
  s.bundle(() => {
    s.changeKey('dave', 'dave, second key', { fee: 800n });
    s.withdraw('dave', HIGH, 2n ** 60n, { fee: 800n });
    s.transferNew('dave', 'frank', 1, COIN, { fee: 2_000n, within: 1 });
    s.withdraw('frank', 1, COIN - 3_000n, { fee: 3_000n });
  });

  s.withdraw('operator', HIGH); // frees a slot for fees in another token
  s.transfer('bob', 'alice', 1, 9n);
  s.transfer('erin', 'bob', 1, 10n, { fee: 800n, within: 0 });
  // A third pool moves this bundle, whose second member creates it.
  s.swap('bob', ether, 0, 5_000_000n, { fee: 1_500n });
  s.bundle(() => {
    s.transfer('alice', 'dave', lpToken(dollar), 77n);
    s.createPool('alice', 1, 501, 100, 7n * COIN, 10n ** 22n, { fee: 5_000n });
    s.transfer('bob', 'carol', 1, 1n);
    s.removeLiquidity('erin', dollar, 3_000_000n, { fee: 1n });
  });
}

function closing(s, { dollar, ether }) {
  const third = s.state.nextPool - 1;
  // A fourth fee token moves this one.
  s.transfer('erin', 'alice', lpToken(dollar), 500n, { fee: 500n, feeToken: lpToken(dollar) });
  s.bundle(() => {
    s.transfer('alice', 'erin', 501, 10n ** 20n, { fee: 10n ** 12n, feeToken: 501 });
    s.swap('carol', dollar, 1, 3_000n * M, { fee: 50_000n, feeToken: USD });
    s.transfer('bob', 'erin', ETHER, E18, { fee: 10n ** 14n, feeToken: ETHER });
  });

  // All that circulates of the third pool, in a bundle; then it grows again.
  s.bundle(() => {
    s.removeLiquidity('alice', third, undefined, { exact: true, fee: 100n });
    s.transfer('alice', 'carol', 1, COIN, { fee: 100n });
    s.transfer('carol', 'dave', 1, COIN / 2n, { fee: 100n });
  });
  s.addLiquidity('alice', third, 4n * COIN, 2n * 10n ** 22n, { fee: 10n ** 12n, feeToken: 501 });
  s.withdraw('operator', USD, undefined, { fee: 1n });
}
