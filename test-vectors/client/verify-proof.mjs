// node verify-proof.mjs VERIFICATION_KEY.json PROOF.json PUBLIC.json
// Verifies a Groth16 proof with snarkjs. Exit code 0: the proof is valid; 1: it is not; 2: wrong use.

import { readFileSync } from 'node:fs';
import { groth16 } from 'snarkjs';

const paths = process.argv.slice(2);
if (paths.length !== 3) {
  console.error('usage: node verify-proof.mjs VERIFICATION_KEY.json PROOF.json PUBLIC.json');
  process.exit(2);
}

let valid = false;
let reason = '';
try {
  const [key, proof, publicInputs] = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')));
  valid = await groth16.verify(key, publicInputs, proof);
} catch (error) {
  reason = ` (${error.message})`;
}
console.log(valid ? 'valid: the proof verifies' : `NOT valid: the proof does not verify${reason}`);
process.exit(valid ? 0 : 1); // also ends the worker threads of snarkjs
