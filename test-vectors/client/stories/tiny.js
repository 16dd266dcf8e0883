import { Scenario } from '../src/scenario.js';

/** One batch that fills the four slots of the smallest shape. */
export function tiny() {
  const s = new Scenario({ shape: 'tiny', chainId: 3, seed: 'tiny' });
  s.depositNew('operator', 1, 2_500_000n);
  s.transferNew('operator', 'alice', 1, 400_000n);
  s.deposit('alice', 7, 1_000_000n);
  s.transfer('alice', 'operator', 7, 250_000n, { fee: 150n, within: 0 });
  return s;
}
