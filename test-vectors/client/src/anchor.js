// Section 9: anchor proofs, verified on regtest, without the proofs of batches.

import { R } from './field.js';
import { anchorCommitment, anchorScript, sha256 } from './statement.js';
import { address, lift, outputScript, tapBranch, tapLeaf } from './secp256k1.js';

/** A rule that does not hold, by its number. */
export class Broken extends Error {
  constructor(code) {
    super(`rule ${code}`);
    this.code = code;
  }
}

const must = (holds, code) => {
  if (!holds) throw new Broken(code);
};
const doubled = (...parts) => sha256(sha256(...parts));
const UNSPENDABLE = '50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0';
const LIMIT = 0x207fffff;

/** Takes bytes from the front; what is not there breaks rule `code`. */
function reader(bytes, code) {
  let at = 0;
  const take = (n) => {
    must(at + n <= bytes.length, code);
    at += n;
    return bytes.subarray(at - n, at);
  };
  const be = (n) => Number(BigInt(`0x${take(n).toString('hex')}`));
  const list = (count, one) => Array.from({ length: count }, one);
  const siblings = () => list(be(1), () => take(32));
  return { take, be, list, siblings, left: () => bytes.length - at };
}

/** Section 9.3: a transaction without witnesses. */
export function transaction(bytes) {
  must(bytes.length !== 64, 621);
  must(bytes.length <= 1_000_000, 622);
  const r = reader(bytes, 623);
  const size = () => {
    const first = r.take(1)[0];
    if (first < 0xfd) return first;
    const [n, least] = { 0xfd: [2, 0xfd], 0xfe: [4, 1 << 16], 0xff: [8, 2 ** 32] }[first];
    const value = Number(BigInt(`0x${Buffer.from(r.take(n)).reverse().toString('hex')}`));
    must(value >= least, 623);
    return value;
  };
  r.take(4);
  const inputs = size();
  must(inputs > 0, 624);
  const spends = [];
  for (let i = 0; i < inputs; i++) {
    spends.push(r.take(36).toString('hex'));
    r.take(size());
    r.take(4);
  }
  const outputs = size();
  must(outputs > 0, 625);
  const scripts = [];
  for (let i = 0; i < outputs; i++) {
    r.take(8);
    scripts.push(r.take(size()));
  }
  r.take(4);
  must(r.left() === 0, 626);
  const isCoinbase = spends.length === 1 && spends[0] === `${'00'.repeat(32)}ffffffff`;
  return { id: doubled(bytes), spends, scripts, isCoinbase };
}

function anchorHeader(bytes) {
  const r = reader(bytes, 501);
  must(r.be(4) === 1, 502);
  const header = { bytes, chainId: r.be(4), sequence: r.be(8), first: r.be(8), count: r.be(8) };
  must(r.be(4) === 0, 503);
  header.previous = r.take(32).toString('hex');
  [header.pre, header.post] = [r.take(32), r.take(32)];
  for (const root of [header.pre, header.post]) must(BigInt(`0x${root.toString('hex')}`) < R, 506);
  must(header.count > 0, 504);
  must(header.first > 0 && header.first + header.count <= 2 ** 48, 505);
  must(header.sequence > 0 || header.previous === '00'.repeat(32), 507);
  header.commitment = anchorCommitment(bytes);
  return header;
}

function decode(bytes) {
  must(bytes.length <= 1 << 20, 661);
  const r = reader(bytes, 664);
  must(r.take(4).toString() === 'TSAP', 662);
  must(r.be(4) === 1, 663);
  const file = { firstHeight: r.be(4) };
  file.headers = r.list(r.be(2), () => r.take(80));
  file.block = r.be(2);
  file.coinbase = r.take(r.be(4));
  file.coinbaseSiblings = r.siblings();
  file.index = r.be(4);
  file.siblings = r.siblings();
  const key = () => {
    const bytes = r.take(32);
    must(lift(bytes) !== null, 669);
    return bytes;
  };
  file.anchors = r.list(r.be(2), () => {
    const anchor = { header: anchorHeader(r.take(164)) };
    const kind = r.be(1);
    must(kind <= 1, 668);
    anchor.key = key();
    if (kind === 1) {
      anchor.recovery = { key: key(), blocks: r.be(2) };
      must(anchor.recovery.blocks > 0, 604);
      must(anchor.recovery.key.toString('hex') !== UNSPENDABLE, 603);
    }
    anchor.transaction = r.take(r.be(4));
    r.list(r.be(2), () => [r.take(224 + 32 + 128), r.siblings()]);
    return anchor;
  });
  must(r.left() === 0, 665);
  must(file.headers.length >= 1 && file.headers.length <= 4032 && file.anchors.length >= 1 && file.anchors.length <= 1024, 666);
  must(file.block < file.headers.length, 667);
  return file;
}

const hashOf = (header) => Buffer.from(doubled(header)).reverse().toString('hex');
const parentOf = (header) => Buffer.from(header.subarray(4, 36)).reverse().toString('hex');

/** Section 9.2, on regtest: all blocks have the same work. */
function headerChain(checkpoint, file, seen) {
  const context = file.headers.filter((_, i) => file.firstHeight + i <= checkpoint.height);
  const linked = context.every((header, i) => i === 0 || parentOf(header) === hashOf(context[i - 1]));
  must(checkpoint.network === 'regtest' && linked && context.length > 0 && hashOf(context.at(-1)) === checkpoint.hash, 642);
  const known = new Map();
  context.forEach((header, i) => known.set(hashOf(header), { header, height: file.firstHeight + i }));
  let best = checkpoint.hash;
  const add = (header) => {
    const hash = hashOf(header);
    if (known.has(hash)) return;
    const parent = known.get(parentOf(header));
    must(parent, 644);
    const height = parent.height + 1;
    must(height > checkpoint.height, 645);
    must(header.readUInt32LE(72) === LIMIT, 648);
    const times = [];
    for (let at = parent; at && times.length < 11; at = known.get(parentOf(at.header))) times.push(at.header.readUInt32LE(68));
    times.sort((a, b) => a - b);
    must(header.readUInt32LE(68) > times[times.length >> 1], 650);
    must(header.readInt32LE(0) >= 4, 647);
    must(BigInt(`0x${hash}`) <= 0x7fffffn << 232n, 649);
    known.set(hash, { header, height });
    if (height > known.get(best).height) best = hash;
  };
  file.headers.slice(context.length).forEach(add);
  seen.forEach(add);
  const onBest = new Set();
  for (let at = best; known.has(at); at = parentOf(known.get(at).header)) onBest.add(at);
  return { known, onBest, height: known.get(best).height };
}

function merkleRoot(id, index, siblings) {
  must(siblings.length <= 15, 631);
  must(index < 2 ** siblings.length, 632);
  let [node, last] = [id, false];
  siblings.forEach((sibling, level) => {
    const right = Math.floor(index / 2 ** level) % 2 === 1;
    const twin = sibling.equals(node);
    must(!(twin && right) && !(last && !twin && !right), 633);
    last ||= twin;
    node = right ? doubled(sibling, node) : doubled(node, sibling);
  });
  return node;
}

/** The script of an anchor's output. */
/** Section 9: by chain id modulo 4. */
const PREFIXES = ['bc', 'tb', 'tb', 'bcrt'];

/** The address of an anchor's output on the network of a chain. */
export const anchorAddress = (chainId, script) => address(PREFIXES[chainId % 4], script);

export function anchorOutput({ key, commitment, recovery }) {
  must(key.toString('hex') !== UNSPENDABLE, 601);
  let root = tapLeaf(anchorScript(key, commitment));
  if (recovery) {
    must(!recovery.key.equals(key), 603);
    root = tapBranch(root, tapLeaf(recoveryScript(recovery)));
  }
  return outputScript(key, root);
}

/** `<R> OP_CHECKSIGVERIFY <N> OP_CHECKSEQUENCEVERIFY`. */
export function recoveryScript({ key, blocks }) {
  let number;
  if (blocks <= 16) number = [0x50 + blocks];
  else {
    number = [];
    for (let n = blocks; n > 0; n >>= 8) number.push(n & 0xff);
    if (number.at(-1) & 0x80) number.push(0);
    number.unshift(number.length);
  }
  return Buffer.concat([Buffer.from([0x20]), key, Buffer.from([0xad, ...number, 0xb2])]);
}

function checkOutput(anchor, tx) {
  const script = anchorOutput({ ...anchor, commitment: anchor.header.commitment });
  must(tx.scripts[0].equals(script), 602);
  must(!tx.scripts.slice(1).some((other) => other.equals(script)), 685);
}

function checkFollows(next, previous) {
  must(next.chainId === previous.chainId, 508);
  must(next.sequence === previous.sequence + 1, 511);
  must(next.previous === previous.commitment.toString('hex'), 512);
  must(next.first === previous.first + previous.count, 509);
  must(next.pre.equals(previous.post), 510);
}

const outpoint = (id, vout) => `${id.toString('hex')}${Buffer.from([vout, 0, 0, 0]).toString('hex')}`;
const fromText = (text) => Buffer.from(text, 'hex').reverse();

/** What is proven of a case of `test-vectors/anchor`; throws `Broken`. */
export function verifyAnchor(given) {
  const file = decode(Buffer.from(given.proof, 'hex'));
  const chain = headerChain(given.checkpoint, file, given.seen.map((hex) => Buffer.from(hex, 'hex')));
  const last = file.anchors.at(-1);
  must(last.header.chainId === given.chain_id, 681);
  must(last.header.chainId % 4 === 3, 682);
  const block = file.headers[file.block];
  const found = chain.known.get(hashOf(block));
  const height = file.firstHeight + file.block;
  must(!found || found.height === height, 683);
  must(chain.onBest.has(hashOf(block)), 684);

  const [coinbase, tx] = [transaction(file.coinbase), transaction(last.transaction)];
  must(coinbase.isCoinbase, 634);
  must(file.index > 0 && !tx.isCoinbase, 635);
  must(file.siblings.length === file.coinbaseSiblings.length, 636);
  const root = block.subarray(36, 68);
  const roots = [merkleRoot(coinbase.id, 0, file.coinbaseSiblings), merkleRoot(tx.id, file.index, file.siblings)];
  for (const reached of roots) must(reached.equals(root), 637);

  checkOutput(last, tx);
  let [entry, spender] = [last, tx];
  for (const previous of file.anchors.slice(0, -1).reverse()) {
    const spent = transaction(previous.transaction);
    checkOutput(previous, spent);
    checkFollows(entry.header, previous.header);
    must(spender.spends[0] === outpoint(spent.id, 0), 686);
    [entry, spender] = [previous, spent];
  }
  checkStart(given.thread, file, entry, spender);
  const depth = chain.height - height + 1;
  must(depth >= given.least_depth, 690);
  return {
    depth,
    state_root: `0x${last.header.post.toString('hex')}`,
    height,
    block: hashOf(block),
    txid: Buffer.from(tx.id).reverse().toString('hex'),
    commitment: last.header.commitment.toString('hex'),
    first_sequence: entry.header.sequence,
    sequence: last.header.sequence,
    pinned: given.thread !== null,
  };
}

function checkStart(thread, file, oldest, tx) {
  if (thread === null) return;
  if (thread.origin) {
    const [txid, vout] = thread.origin.split(':');
    must(oldest.header.sequence === 0, 687);
    must(tx.spends[0] === outpoint(fromText(txid), Number(vout)), 686);
    return;
  }
  const known = anchorHeader(Buffer.from(thread.header, 'hex'));
  const id = fromText(thread.txid);
  const same = file.anchors.find((anchor) => anchor.header.sequence === known.sequence);
  if (same) {
    must(same.header.bytes.equals(known.bytes) && transaction(same.transaction).id.equals(id), 688);
  } else {
    must(oldest.header.sequence === known.sequence + 1, 687);
    checkFollows(oldest.header, known);
    must(tx.spends[0] === outpoint(id, 0), 686);
  }
}
