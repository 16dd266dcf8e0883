// Section 3: Baby Jubjub keys, points as bytes, signatures.

import { buildEddsa } from 'circomlibjs';
import { R, fromBytesLE, inverse, isElement, mod, sqrt, toBytesLE } from './field.js';
import { hash } from './poseidon.js';

const A_COEFFICIENT = 168700n;
const D_COEFFICIENT = 168696n;

/** Order of the prime-order subgroup. */
export const L = 2736030358979909402780800718157159386076813972158567259200215660948447373041n;

export const S_MAX = 2736030358979909402706279862145360026525717829762801776900516894066134220800n;
export const H_LOW = 847625732332294122831823999186116086480501729230314492837n;
export const H_HIGH = 21888242871839275221713226912571839239558092959387571999671842451201383945125n;

export const B8 = {
  x: 5299619240641551281634865583518297030282874472190772894086521144482721001553n,
  y: 16950150798460657717958625567821834550301663161624707787222815936182638968203n,
};

// Secret keys are used by circomlibjs alone. It keeps field elements in Montgomery form; points of this client are
// plain { x, y } of BigInt.
const eddsa = await buildEddsa();
const { F } = eddsa;
const outside = (p) => ({ x: F.toObject(p[0]), y: F.toObject(p[1]) });

// Curve arithmetic for public values, in projective coordinates (X : Y : Z). The addition law is complete: a is a
// square and d is not.
const toProjective = ({ x, y }) => ({ X: x, Y: y, Z: 1n });

function addProjective(p, q) {
  const a = (p.Z * q.Z) % R;
  const b = (a * a) % R;
  const c = (p.X * q.X) % R;
  const d = (p.Y * q.Y) % R;
  const e = (((D_COEFFICIENT * c) % R) * d) % R;
  const f = b - e;
  const g = b + e;
  const cross = (p.X + p.Y) * (q.X + q.Y) - c - d;
  return {
    X: mod(((a * f) % R) * (cross % R)),
    Y: mod(((a * g) % R) * ((d - A_COEFFICIENT * c) % R)),
    Z: mod(f * g),
  };
}

function toAffine({ X, Y, Z }) {
  const i = inverse(Z);
  return { x: (X * i) % R, y: (Y * i) % R };
}

export const addPoints = (p, q) => toAffine(addProjective(toProjective(p), toProjective(q)));

export function multiplyPoint(point, n) {
  let sum = toProjective({ x: 0n, y: 1n });
  for (let p = toProjective(point); n > 0n; n >>= 1n, p = addProjective(p, p)) {
    if (n & 1n) sum = addProjective(sum, p);
  }
  return toAffine(sum);
}

export const samePoint = (p, q) => p.x === q.x && p.y === q.y;

export function isOnCurve({ x, y }) {
  if (!isElement(x) || !isElement(y)) return false;
  return mod(A_COEFFICIENT * x * x + y * y) === mod(1n + D_COEFFICIENT * x * x * y * y);
}

/** In the prime-order subgroup and not the identity. Only such keys enter the state. */
export function isValidKey(key) {
  return isOnCurve(key) && key.x !== 0n && samePoint(multiplyPoint(key, L), { x: 0n, y: 1n });
}

export function packPoint({ x, y }) {
  const bytes = toBytesLE(y, 32);
  if (x > (R - 1n) / 2n) bytes[31] |= 0x80;
  return bytes;
}

/** The point of 32 bytes. Refuses whatever packPoint would not write. */
export function unpackPoint(bytes) {
  if (bytes.length !== 32) throw new Error('a point has 32 bytes');
  const rest = Buffer.from(bytes);
  const sign = (rest[31] & 0x80) !== 0;
  rest[31] &= 0x7f;
  const y = fromBytesLE(rest);
  if (y >= R) throw new Error('y is not below r');
  let x = sqrt((1n - y * y) * inverse(A_COEFFICIENT - D_COEFFICIENT * y * y));
  if (x === null) throw new Error('no point has this y');
  if (x === 0n && sign) throw new Error('sign bit on x = 0');
  if (x > (R - 1n) / 2n !== sign) x = R - x;
  return { x, y };
}

export const publicKey = (secret) => outside(eddsa.prv2pub(Buffer.from(secret)));

/** Signs an element; the result is { R8, S }. */
export function sign(secret, message) {
  if (!isElement(message)) throw new RangeError('the message is not an element');
  const { R8, S } = eddsa.signPoseidon(Buffer.from(secret), F.e(message));
  const signature = { R8: outside(R8), S };
  if (!verify(signature, message, publicKey(secret))) {
    // Less than one in 2^60: sign again with another fee or expiry.
    throw new Error('this message has no acceptable signature under this key');
  }
  return signature;
}

export function verify({ R8, S }, message, key) {
  if (!isOnCurve(R8) || S < 0n || S >= S_MAX) return false;
  const h = hash.challenge(R8.x, R8.y, key.x, key.y, message);
  if (h < H_LOW || h >= H_HIGH) return false;
  return samePoint(multiplyPoint(B8, S), addPoints(R8, multiplyPoint(key, 8n * h)));
}

export const packSignature = ({ R8, S }) => Buffer.concat([packPoint(R8), toBytesLE(S, 32)]);

export function unpackSignature(bytes) {
  if (bytes.length !== 64) throw new Error('a signature has 64 bytes');
  return { R8: unpackPoint(bytes.subarray(0, 32)), S: fromBytesLE(bytes.subarray(32)) };
}
