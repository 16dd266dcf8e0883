// Section 1: the scalar field, elements, and the byte forms of numbers.

/** Order of the scalar field Fr of BN254. */
export const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

export const isElement = (n) => typeof n === 'bigint' && n >= 0n && n < R;

/** `0x` and 64 lower-case hexadecimal digits, big-endian. */
export function elementToHex(n) {
  if (!isElement(n)) throw new RangeError('not an element');
  return '0x' + n.toString(16).padStart(64, '0');
}

export function elementFromHex(text) {
  if (typeof text !== 'string' || !/^0x[0-9a-f]{64}$/.test(text)) throw new Error(`not an element: ${text}`);
  const n = BigInt(text);
  if (n >= R) throw new Error(`element is not below r: ${text}`);
  return n;
}

export const mod = (n) => ((n % R) + R) % R;

export function pow(base, exponent) {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = (b * b) % R) {
    if (e & 1n) result = (result * b) % R;
  }
  return result;
}

export function inverse(n) {
  if (mod(n) === 0n) throw new RangeError('zero has no inverse');
  return pow(n, R - 2n);
}

// r - 1 = 2^28 * ODD, and 5 is not a square.
const TWO_ADICITY = 28n;
const ODD = (R - 1n) >> TWO_ADICITY;
const ROOT_OF_UNITY = pow(5n, ODD);

/** A square root of n (Tonelli and Shanks), or null if n is not a square. */
export function sqrt(n) {
  n = mod(n);
  if (n === 0n) return 0n;
  if (pow(n, (R - 1n) / 2n) !== 1n) return null;
  let m = TWO_ADICITY;
  let c = ROOT_OF_UNITY;
  let t = pow(n, ODD);
  let root = pow(n, (ODD + 1n) / 2n);
  while (t !== 1n) {
    let i = 0n;
    for (let u = t; u !== 1n; u = (u * u) % R) i++;
    const b = pow(c, 1n << (m - i - 1n));
    m = i;
    c = (b * b) % R;
    t = (t * c) % R;
    root = (root * b) % R;
  }
  return root;
}

/** Integer square root, rounded down. */
export function isqrt(n) {
  if (n < 2n) return n;
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

/** BE(n, k) of the specification. */
export function toBytesBE(n, k) {
  n = BigInt(n);
  if (n < 0n || n >> BigInt(8 * k)) throw new RangeError(`number does not fit ${k} bytes`);
  return Buffer.from(n.toString(16).padStart(2 * k, '0'), 'hex');
}

export const toBytesLE = (n, k) => toBytesBE(n, k).reverse();
export const fromBytesBE = (bytes) => BigInt('0x' + (Buffer.from(bytes).toString('hex') || '0'));
export const fromBytesLE = (bytes) => fromBytesBE(Buffer.from(bytes).reverse());

export function fromHex(text, length) {
  if (typeof text !== 'string' || !/^([0-9a-f]{2})*$/.test(text)) throw new Error('not lower-case hexadecimal');
  const bytes = Buffer.from(text, 'hex');
  if (bytes.length !== length) throw new Error(`expected ${length} bytes, found ${bytes.length}`);
  return bytes;
}

/** The two 128-bit limbs with which a 32-byte string enters a hash. */
export function limbs(bytes) {
  if (bytes.length !== 32) throw new RangeError('expected 32 bytes');
  return { hi: fromBytesBE(bytes.subarray(0, 16)), lo: fromBytesBE(bytes.subarray(16, 32)) };
}

/**
 * Adds up `value * 2^shift`. Every part names its width, so that no part can run into its neighbour:
 * pack([value, shift, bits], ...).
 */
export function pack(...parts) {
  let sum = 0n;
  for (const [value, shift, bits] of parts) {
    const n = BigInt(value);
    if (n < 0n || n >> BigInt(bits)) throw new RangeError(`${n} does not fit ${bits} bits`);
    sum += n << BigInt(shift);
  }
  return sum;
}
