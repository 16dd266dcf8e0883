// Writes test-vectors/primitives.json: hashes, keys, signatures, encodings, bundles, withdrawals, splitting.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { amountVectors } from './primitives/amounts.js';
import { bundleVectors } from './primitives/bundles.js';
import { dataVectors } from './primitives/data.js';
import { keyVectors, refusedSignatures } from './primitives/keys.js';
import { leafVectors } from './primitives/leaves.js';
import { pointVectors } from './primitives/points.js';
import { poseidonVectors } from './primitives/poseidon.js';
import { splittingVectors } from './primitives/splitting.js';
import { refundVectors, transactionVectors } from './primitives/transactions.js';
import { withdrawalVectors } from './primitives/withdrawals.js';
import { jsonText } from './src/json.js';

/** The file as a Map from the path below test-vectors to the text. */
export async function primitiveFiles() {
  const { keys, signatures } = await keyVectors();
  const content = {
    made_by: 'test-vectors/client/vectors.mjs',
    poseidon: await poseidonVectors(),
    keys,
    signatures,
    signatures_refused: refusedSignatures({ keys, signatures }),
    points: pointVectors(),
    amounts: amountVectors(),
    leaves: leafVectors(),
    transactions: transactionVectors(),
    refunds: refundVectors(),
    bundles: bundleVectors(),
    withdrawals: withdrawalVectors(),
    data: dataVectors(),
    splitting: splittingVectors(),
  };
  return new Map([['primitives.json', jsonText(content)]]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of await primitiveFiles()) {
    writeFileSync(new URL(`../${path}`, import.meta.url), text);
    console.log(`wrote test-vectors/${path}`);
  }
}
