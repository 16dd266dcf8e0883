// Bundles signed outside any state, each transaction as [name of the signer, fields].

import { messageOf } from '../src/bundle.js';
import { publicKey, sign } from '../src/keys.js';
import { secretOf } from '../src/scenario.js';
import { isSigned } from '../src/transactions.js';

export const keyOf = (name) => publicKey(secretOf(name));

/** Fills in what is the same everywhere, then signs. A deposit stands alone and has no signer. */
export function signedBundle(members, chainId) {
  const bundle = members.map(([, fields]) => ({ ...fields }));
  if (!isSigned(bundle[0])) return bundle;
  for (const [i, [, fields]] of members.entries()) {
    bundle[i] = { fee_token: 0, fee: 0n, nonce: 0n, expiry: 0, ...fields };
  }
  const message = messageOf(bundle, chainId);
  for (const [i, [name]] of members.entries()) {
    bundle[i].signature = sign(secretOf(name), message);
    if (members.length > 1) bundle[i].message = message;
  }
  return bundle;
}
