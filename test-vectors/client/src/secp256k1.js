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

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** BIP350's checksum of five-bit values. */
function checksum(prefix, values) {
  const expanded = [...prefix].map((c) => c.charCodeAt(0));
  const all = [...expanded.map((c) => c >> 5), 0, ...expanded.map((c) => c & 31), ...values, 0, 0, 0, 0, 0, 0];
  let sum = 1;
  for (const value of all) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3].forEach((g, i) => {
      if ((top >> i) & 1) sum ^= g;
    });
  }
  sum ^= 0x2bc830a3;
  return [25, 20, 15, 10, 5, 0].map((shift) => (sum >>> shift) & 31);
}

/** The address of a taproot output, for a human-readable prefix. */
export function address(prefix, script) {
  const bits = [...script.subarray(2)].flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((i) => (byte >> i) & 1));
  while (bits.length % 5) bits.push(0);
  const values = [1]; // the witness version
  for (let i = 0; i < bits.length; i += 5) values.push(bits.slice(i, i + 5).reduce((n, bit) => 2 * n + bit, 0));
  return `${prefix}1${[...values, ...checksum(prefix, values)].map((value) => ALPHABET[value]).join('')}`;
}
