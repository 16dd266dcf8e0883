import { Scenario } from '../src/scenario.js';
import { COIN, M } from './units.js';

/** One full batch of everyday traffic. */
export function small() {
  const s = new Scenario({ shape: 'small', chainId: 3, seed: 'small' });
  const USD = 2;
  s.depositNew('operator', 1, 10n * M);
  s.depositNew('alice', 1, 3n * COIN);
  s.transferNew('alice', 'carol', 1, COIN / 4n, { fee: 120n, within: 3 });
  s.deposit('alice', USD, 90_000n * M);
  s.depositNew('bob', USD, 250_000n * M);
  s.transfer('alice', 'bob', 1, COIN / 2n, { fee: 120n, within: 0 });
  const pool = s.createPool('alice', 1, USD, 30, COIN, 60_000n * M, { fee: 300n });
  s.addLiquidity('bob', pool, COIN / 3n, 20_000n * M, { fee: 180_000n, feeToken: USD });
  s.transferNew('bob', 'dave', USD, 1_500n * M, { fee: 75_000n, feeToken: USD });
  s.swap('alice', pool, 0, s.random.between(M, 5n * M), { fee: 150n, within: 1 });
  s.swap('bob', pool, 1, s.random.between(100n * M, 2_000n * M), { fee: 90_000n, feeToken: USD });
  s.transfer('carol', 'alice', 1, s.random.between(1n, M), { fee: 120n });
  s.withdraw('carol', 1, 2n * M, { fee: 300n, within: 2 });
  s.removeLiquidity('bob', pool, s.random.between(M, 9n * M), { fee: 150n });
  s.transfer('dave', 'bob', USD, 350n * M, { fee: 75_000n, feeToken: USD });
  return s;
}
