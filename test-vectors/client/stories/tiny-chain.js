import { lpToken } from '../src/account.js';
import { Scenario } from '../src/scenario.js';
import { M } from './units.js';

/**
 * The kinds `transfer` to `add_liquidity` over several batches with two fee tokens each; two pools; fees and transfers
 * in LP shares.
 */
export function tinyChain() {
  const s = new Scenario({ shape: 'tiny', chainId: 1003, seed: 'tiny-chain' });
  const { random } = s;
  const [USD, GOLD] = [2, 3];

  s.depositNew('operator', 1, 50n * M);
  s.transferNew('operator', 'alice', 1, 20n * M);
  s.depositNew('bob', USD, 9_000n * M);
  s.transfer('alice', 'bob', 1, 6n * M, { fee: 200n, within: 0 });

  s.deposit('alice', USD, 3_000n * M);
  s.deposit('alice', GOLD, random.between(4n * M, 5n * M));
  const first = s.createPool('alice', 1, USD, 30, 5n * M, 1_000n * M, { fee: 250n, within: 2 });
  s.transferNew('bob', 'carol', USD, 700n * M, { feeToken: USD, fee: 40_000n });
  const second = s.createPool('alice', USD, GOLD, 100, 600n * M, 2n * M, { fee: 45_000n, feeToken: USD });

  s.addLiquidity('bob', first, random.between(M, 2n * M), 900n * M, { fee: 250n, within: 0 });
  s.transfer('alice', 'bob', lpToken(first), random.between(1_000n, 9_000_000n), { fee: 1_200n, feeToken: lpToken(first) });
  // A third fee token does not fit this batch any more.
  s.swap('alice', first, 0, random.between(10_000n, 90_000n), { fee: 40_000n, feeToken: USD });
  s.transferNew('alice', 'dave', lpToken(second), 5_000n, { fee: 175n });
  s.swap('carol', second, 0, random.between(M, 40n * M), { fee: 39_999n, feeToken: USD, within: 1 });
  s.swap('bob', first, 1, 25n * M, { fee: 900n, feeToken: lpToken(first) });
  s.transfer('dave', 'bob', lpToken(second), 4_990n, { fee: 10n, feeToken: lpToken(second) }); // empties the account
  s.swap('carol', second, 1, 1_000n, { fee: 11n, feeToken: GOLD });
  s.deposit('dave', 1, 1n);
  s.transfer('operator', 'carol', 1, 123_456n);
  s.addLiquidity('alice', second, 50n * M, 100_000n, { fee: 1n, within: 40 });
  s.transfer('carol', 'alice', 1, 123_455n, { fee: 1n });
  s.swap('alice', second, 1, random.between(100n, 10_000n), { fee: 2_000n, feeToken: lpToken(first) });
  return s;
}
