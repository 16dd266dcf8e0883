// Sections 7 and 10: data and batch files have one form.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeData, encodeData, executeFile, readBatchFile, toBytesBE, R, writeBatchFile } from '../src/index.js';
import { bundle, changeKey, cut, finish, market, newKey, transfer, withdraw } from '../testing/market.js';

function mixed() {
  const s = market();
  s.push(bundle(s, [transfer(s, 'alice', 'bob', 1, 5n), transfer(s, 'bob', 'alice', 2, 7n)]));
  cut(s);
  const pool = s.createPool('alice', 1, 2, 30, 5_000n, 5_000n);
  s.removeLiquidity('alice', pool, 77n);
  s.push(bundle(s, [changeKey(s, 'alice', newKey('alice 2'))]));
  s.push(bundle(s, [withdraw(s, 'bob', 2, 8n)]));
  return s;
}

test('a batch file has one form', () => {
  const text = mixed().file();
  const file = readBatchFile(text);
  const { header } = file;
  const again = writeBatchFile(
    { chainId: header.chain_id, batch: header.batch, preStateRoot: header.pre_state_root, operator: header.operator },
    file.transactions,
  );
  assert.equal(again, text);
  assert.doesNotThrow(() => readBatchFile(text.slice(0, -1)));
  const bad = (from, to) => {
    assert.notEqual(text.replace(from, to), text);
    assert.throws(() => readBatchFile(text.replace(from, to)), `${from} -> ${to}`);
  };
  bad('\n', '\n\n');
  bad('"token":1', '"token":1,"token":1');
  bad('"token":1', '"token":1.0');
  bad('"token":1', '"token":-1');
  bad('"token":1', '"tok":1');
  bad('"token":1', '"token":1,"toString":1');
  bad('"amount":"5"', '"amount":"05"');
  bad('"amount":"5"', `"amount":"${2n ** 96n}"`);
  bad('"amount":"5"', '"amount":5');
  bad(/"outpoint":"./, '"outpoint":"A');
  bad('tapstone-batch/1', 'tapstone-batch/2');
  bad('"message":"0x', '"message":"0xf');
  bad(/"message":"0x[0-9a-f]*"/, `"message":"0x${R.toString(16)}"`);
  bad('"kind":"withdraw"', '"kind":"refund"');
  bad('"shares":"77"', '"shares":"77","max0":"1"');
  bad(/"destination":"../, '"destination":"');
  bad(/"destination":"[^"]*",/, '');
  bad('"kind":"deposit"', '"kind":"deposit","message":"0x' + '0'.repeat(64) + '"');
});

test('numbers of JSON are written with digits alone', () => {
  const text = mixed().file();
  for (const number of ['-0', '+1', '01', '1.0', '1e0', '1E0', '10e-1', 'null', 'true', '[1]', '{}', '"1"', '18446744073709551616']) {
    assert.throws(() => readBatchFile(text.replace('"token":1', `"token":${number}`)), number);
  }
  assert.doesNotThrow(() => readBatchFile(text.replace('"token":1', '\t"token" : 1 ')));
});

test('a line has at most 65,536 bytes, and each has content', () => {
  const header = mixed().file().split('\n')[0];
  const padded = (length) => header + ' '.repeat(length - header.length);
  assert.doesNotThrow(() => readBatchFile(`${padded(65_536)}\n`));
  assert.throws(() => readBatchFile(`${padded(65_537)}\n`), /too long/);
  for (const blank of ['', ' \t', '\r']) assert.throws(() => readBatchFile(`${header}\n${blank}\n`));
  assert.throws(() => readBatchFile(`\ufeff${header}\n`));
  assert.doesNotThrow(() => readBatchFile(`${header}\r\n`));
});

test('a file without transactions is cut into no batches', () => {
  const s = market();
  cut(s);
  const { chainId, batchNumber, preStateRoot = s.state.root() } = s.state;
  const text = writeBatchFile({ chainId, batch: batchNumber + 1, preStateRoot, operator: 0 }, []);
  assert.deepEqual(executeFile(s.shape, s.state, readBatchFile(text)), []);
});

test('form and range make a file malformed, rules of execution do not', () => {
  const text = mixed().file();
  const well = (from, to) => {
    assert.notEqual(text.replace(from, to), text);
    assert.doesNotThrow(() => readBatchFile(text.replace(from, to)), `${from} -> ${to}`);
  };
  well('"amount":"5"', '"amount":"0"');
  well('"token":1', '"token":0');
  well('"token":1', `"token":${2 ** 29}`);
  well('"nonce":"0"', `"nonce":"${2n ** 64n - 1n}"`);
  well('"token0":1', '"token0":2');
  well('"shares":"77"', '"shares":"0"');
  well(/("signature":"[0-9a-f]{64})[0-9a-f]{64}/, `$1${'f'.repeat(64)}`);
});

test('the data has a place for as many transactions as a batch can have', () => {
  const data = (count) => Buffer.from([1, 3, 1, 0, ...count]);
  assert.throws(() => decodeData(data([0x80, 0x80, 0x40])), /too early/);
  assert.throws(() => decodeData(data([0x81, 0x80, 0x40])), /out of range/);
});

test('neighbours with the same message are a bundle', () => {
  const { bundles, transactions } = readBatchFile(mixed().file());
  assert.deepEqual(bundles.map((b) => b.length), [1, 1, 1, 1, 2, 1, 1, 1, 1]);
  assert.deepEqual(bundles.flat(), transactions);
});

test('data has one form, with a deposit head where there is a deposit', () => {
  const [first, second] = finish(mixed());
  for (const { data } of [first, second]) {
    assert.deepEqual(encodeData(decodeData(data)), data);
    assert.throws(() => decodeData(Buffer.concat([data, Buffer.alloc(1)])));
    assert.throws(() => decodeData(data.subarray(0, -1)));
  }
  const head = toBytesBE(first.statement.depositHead, 32);
  assert.deepEqual(first.data.subarray(-32), head);
  const body = first.data.subarray(0, -32);
  assert.throws(() => decodeData(body), /too early/);
  assert.throws(() => decodeData(Buffer.concat([body, toBytesBE(R, 32)])), /not below r/);
  assert.throws(() => decodeData(Buffer.concat([body, Buffer.alloc(32, 0xff)])), /not below r/);
  assert.equal(decodeData(Buffer.concat([body, toBytesBE(R - 1n, 32)])).depositHead, R - 1n);
  assert.equal(decodeData(second.data).depositHead, null);
  assert.throws(() => decodeData(Buffer.concat([second.data, head])), /one form/);
});
