// Writes test-vectors/batches: deterministic batch files, and beside each what it must lead to.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Scenario, expectedOf } from './src/scenario.js';
import { lpToken } from './src/account.js';
import { sha256 } from './src/statement.js';
import { jsonText } from './src/json.js';

const VK_ID = sha256(Buffer.from('tapstone test vector vk'));
const MADE_BY = 'test-vectors/client/generate.mjs';

const M = 1_000_000n;
const COIN = 100_000_000n; // one bitcoin in its smallest unit
const E18 = 10n ** 18n;

/** One batch that fills the four slots of the smallest shape. */
function tiny() {
  const s = new Scenario({ shape: 'tiny', chainId: 3, seed: 'tiny' });
  s.depositNew('operator', 1, 2_500_000n);
  s.transferNew('operator', 'alice', 1, 400_000n);
  s.deposit('alice', 7, 1_000_000n);
  s.transfer('alice', 'operator', 7, 250_000n, { fee: 150n, within: 0 });
  return s;
}

/** All seven kinds over several batches with two fee tokens each; two pools; fees and transfers in LP shares. */
function tinyChain() {
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

/** One full batch: two markets' worth of everyday traffic. */
function small() {
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
  return s;
}

/** A chain of batches with three pools and amounts from 1 to almost 2^90. */
function smallChain() {
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

const SCENARIOS = {
  tiny: ['tiny', tiny],
  'tiny-chain': ['tiny', tinyChain],
  small: ['small', small],
  'small-chain': ['small', smallChain],
};

/** All files as a Map from the path below test-vectors to the text. */
export function batchFiles() {
  const files = new Map();
  for (const [name, [shape, make]] of Object.entries(SCENARIOS)) {
    const text = make().file();
    files.set(`batches/${name}.jsonl`, text);
    files.set(`batches/${name}.expected.json`, jsonText(expectedOf(shape, text, VK_ID, MADE_BY)));
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = new URL('../', import.meta.url);
  mkdirSync(new URL('batches/', root), { recursive: true });
  for (const [path, text] of batchFiles()) {
    writeFileSync(new URL(path, root), text);
    console.log(`wrote test-vectors/${path}`);
  }
}
