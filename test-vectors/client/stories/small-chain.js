import { lpToken } from '../src/account.js';
import { Scenario } from '../src/scenario.js';
import { COIN, E18, M } from './units.js';

/** A chain of batches with three pools and amounts from 1 to almost 2^90. */
export function smallChain() {
  const s = new Scenario({ shape: 'small', chainId: 4_294_967_295, seed: 'small-chain', operator: 1 });
  const { random } = s;
  const ETHER = 100;
  const HIGH = 2 ** 29 - 1; // the last ordinary token
  const NEAR = 2n ** 90n - 1n;

  s.depositNew('alice', 1, 21n * M * COIN);
  s.depositNew('operator', 1, 5n * COIN);
  s.transferNew('alice', 'bob', 1, 1_000n * COIN, { fee: 2_000n });
  s.deposit('alice', ETHER, NEAR);
  s.deposit('alice', HIGH, NEAR);
  s.transferNew('alice', 'carol', ETHER, 40_000n * E18, { fee: 2_000n, within: 0 });
  const wide = s.createPool('alice', 1, ETHER, 30, 300n * COIN, 9_000n * E18, { fee: 5_000n });
  const tight = s.createPool('alice', ETHER, HIGH, 5, 2n ** 89n - 1n, 2n ** 89n - random.below(2n ** 60n), {
    fee: 10n ** 15n,
    feeToken: ETHER,
    within: 7,
  });
  s.transfer('alice', 'bob', HIGH, random.below(2n ** 87n), { fee: random.below(2n ** 70n), feeToken: HIGH });
  // A third pool does not fit this batch any more.
  const dear = s.createPool('alice', 1, HIGH, 100, 7n * COIN, random.between(2n ** 70n, 2n ** 71n), { fee: 5_000n, within: 0 });

  s.transferNew('carol', 'dave', ETHER, 1n, { fee: 3n * 10n ** 14n, feeToken: ETHER });
  s.swap('bob', dear, 0, 12_345_678n, { fee: 1_500n });
  s.swap('alice', tight, 1, random.between(2n ** 84n, 2n ** 85n), { fee: 1_500n });
  s.transfer('alice', 'carol', 1, 40n * COIN, { fee: 2_000n, within: 1 });
  s.addLiquidity('alice', tight, random.between(2n ** 86n, 2n ** 87n), random.between(2n ** 86n, 2n ** 87n), { fee: 1n });
  s.swap('bob', dear, 0, 1n, { fee: 7n, feeToken: HIGH });
  s.transfer('bob', 'alice', HIGH, 1n);

  s.swap('carol', wide, 0, random.between(COIN, 3n * COIN), { fee: 2_500n });
  s.swap('carol', wide, 1, random.between(E18, 100n * E18), { fee: 2_500n, within: 0 });
  s.transfer('carol', 'dave', 1, 1n);
  s.addLiquidity('carol', wide, 5n * COIN, random.between(100n * E18, 200n * E18), { fee: 10n ** 15n, feeToken: ETHER });
  s.swap('alice', tight, 0, 2n ** 80n, { fee: 10n ** 16n, feeToken: ETHER });
  s.transferNew('alice', 'erin', lpToken(tight), random.below(2n ** 80n), { fee: 1_000n * 10n ** 20n, feeToken: lpToken(tight) });
  s.deposit('bob', 1, 1n);
  s.deposit('erin', 1, 546n);
  s.transfer('erin', 'bob', lpToken(tight), random.below(2n ** 40n), { fee: 46n, within: 2 ** 30 });
  s.swap('bob', dear, 1, random.between(2n ** 60n, 2n ** 61n), { fee: 1_500n });
  s.addLiquidity('bob', dear, 2n * COIN, 2n ** 75n, { fee: 1_500n });
  s.transfer('bob', 'carol', HIGH, 10n ** 20n, { fee: 10n ** 10n, feeToken: HIGH });

  s.swap('alice', wide, 1, 1_000n * E18, { fee: 10n ** 15n, feeToken: ETHER });
  s.depositNew('frank', HIGH, NEAR);
  s.transfer('frank', 'operator', HIGH, NEAR - 5n, { fee: 5n, feeToken: HIGH }); // the whole balance
  s.swap('carol', wide, 0, 99_999n, { fee: 777n, within: 0 });
  s.transfer('operator', 'frank', 1, 5n * COIN, { fee: 100n });
  return s;
}
