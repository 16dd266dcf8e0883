// Points as bytes, and bytes that are no points.

import { R, elementToHex, toBytesLE } from '../src/field.js';
import { B8, addPoints, isOnCurve, isValidKey, multiplyPoint, packPoint, unpackPoint } from '../src/keys.js';

export function pointVectors() {
  const order2 = { x: 0n, y: R - 1n };
  const points = [
    ['generator B8', B8],
    ['-B8', { x: R - B8.x, y: B8.y }],
    ['5 B8', multiplyPoint(B8, 5n)],
    ['identity: not a valid key', { x: 0n, y: 1n }],
    ['order 2: not a valid key', order2],
    ['B8 plus the point of order 2: not a valid key', addPoints(B8, order2)],
    ['y = 0, order 4: not a valid key', unpackPoint(Buffer.alloc(32))],
  ];
  const accepted = points.map(([what, point]) => {
    const packed = packPoint(point);
    const back = unpackPoint(packed);
    if (!isOnCurve(point) || back.x !== point.x || back.y !== point.y) throw new Error(`bad point: ${what}`);
    return {
      what,
      packed: packed.toString('hex'),
      x: elementToHex(point.x),
      y: elementToHex(point.y),
      valid_key: isValidKey(point),
    };
  });

  const signBit = (bytes) => {
    const copy = Buffer.from(bytes);
    copy[31] |= 0x80;
    return copy;
  };
  const withoutX = [];
  for (let y = 2n; withoutX.length < 3; y++) {
    try {
      unpackPoint(toBytesLE(y, 32));
    } catch {
      withoutX.push(toBytesLE(y, 32));
    }
  }
  const refusals = [
    ['y = r', toBytesLE(R, 32)],
    ['y = r, sign bit', signBit(toBytesLE(R, 32))],
    ['y = r + 1', toBytesLE(R + 1n, 32)],
    ['y = r + B8.y', toBytesLE(R + B8.y, 32)],
    ['y = 2^255 - 1', toBytesLE(2n ** 255n - 1n, 32)],
    ['all bits set', Buffer.alloc(32, 0xff)],
    ['sign bit on x = 0, y = 1', signBit(toBytesLE(1n, 32))],
    ['sign bit on x = 0, y = -1', signBit(toBytesLE(R - 1n, 32))],
    ...withoutX.map((bytes) => ['no point has this y', bytes]),
    ['no point has this y, sign bit', signBit(withoutX[0])],
  ].map(([why, bytes]) => {
    let refused = false;
    try {
      unpackPoint(bytes);
    } catch {
      refused = true;
    }
    if (!refused) throw new Error(`decoded: ${why}`);
    return { why, packed: bytes.toString('hex') };
  });
  return { accepted, refusals };
}
