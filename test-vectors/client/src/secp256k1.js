// The curve of Bitcoin, as much of it as taproot outputs need (BIP340, BIP341).

import { tagged } from './statement.js';

const P = 2n ** 256n - 2n ** 32n - 977n;
const G = {
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

const mod = (n) => ((n % P) + P) % P;

function power(base, exponent) {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b);
  return result;
}

const inverse = (n) => power(n, P - 2n);

function add(a, b) {
  if (a === null) return b;
  if (b === null) return a;
  if (a.x === b.x && mod(a.y + b.y) === 0n) return null;
  const slope = a.x === b.x ? mod(3n * a.x * a.x * inverse(2n * a.y)) : mod((b.y - a.y) * inverse(b.x - a.x));
  const x = mod(slope * slope - a.x - b.x);
  return { x, y: mod(slope * (a.x - x) - a.y) };
}

function multiply(point, scalar) {
  let result = null;
  for (let p = point, s = scalar; s > 0n; s >>= 1n, p = add(p, p)) if (s & 1n) result = add(result, p);
  return result;
}

const toBigInt = (bytes) => BigInt(`0x${bytes.toString('hex')}`);

/** The point with this x coordinate and an even y coordinate; `null` if there is none. */
export function lift(bytes) {
  const x = toBigInt(bytes);
  if (x >= P) return null;
  const square = mod(x * x * x + 7n);
  const y = power(square, (P + 1n) / 4n);
  if (mod(y * y) !== square) return null;
  return { x, y: y & 1n ? P - y : y };
}

/** The hash of a tap leaf of version 0xc0 whose script has fewer than 253 bytes. */
export const tapLeaf = (script) => tagged('TapLeaf', Buffer.from([0xc0, script.length]), script);

/** The hash of a node over two others, in either order. */
export const tapBranch = (a, b) => tagged('TapBranch', ...[a, b].sort(Buffer.compare));

/** The script of a taproot output. */
export function outputScript(key, root) {
  const point = add(lift(key), multiply(G, toBigInt(tagged('TapTweak', key, root))));
  return Buffer.concat([Buffer.from([0x51, 0x20]), Buffer.from(point.x.toString(16).padStart(64, '0'), 'hex')]);
}
