// Opens a page in a headless browser: node browser.mjs PAGE SCREENSHOT. Fails if the browser reports an error of the page, or if
// the picture is blank. CHROMIUM names the browser [chromium].
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { inflateSync } from 'node:zlib';

const [page, picture] = process.argv.slice(2).map((path) => resolve(path));
const browser = process.env.CHROMIUM ?? 'chromium';
const args = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--window-size=1000,3000'];
const log = execFileSync(
  'sh',
  ['-c', 'exec "$0" "$@" 2>&1', browser, ...args, '--enable-logging=stderr', `--screenshot=${picture}`, `file://${page}`],
  { encoding: 'utf8', timeout: 120_000 },
);
// What a page says on its console carries this word, whatever the browser says about the machine.
const errors = log.split('\n').filter((line) => /CONSOLE|net::ERR_|Uncaught/.test(line));
if (errors.length > 0) throw new Error(`the page has errors:\n${errors.join('\n')}`);

/** The pixels of a PNG with 8 bits a channel, without interlacing, as bytes of its lines with their filters undone. */
function pixels(png) {
  const chunks = [];
  let header;
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const kind = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') header = body;
    if (kind === 'IDAT') chunks.push(body);
    at += 12 + length;
  }
  const [width, height, depth, colour] = [header.readUInt32BE(0), header.readUInt32BE(4), header[8], header[9]];
  const channels = { 2: 3, 6: 4 }[colour];
  if (depth !== 8 || channels === undefined) throw new Error(`a PNG of depth ${depth}, colour type ${colour}`);
  const raw = inflateSync(Buffer.concat(chunks));
  const stride = width * channels;
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const here = y * stride + x;
      const left = x >= channels ? out[here - channels] : 0;
      const up = y > 0 ? out[here - stride] : 0;
      const corner = x >= channels && y > 0 ? out[here - stride - channels] : 0;
      const guess = left + up - corner;
      const [dl, du, dc] = [left, up, corner].map((v) => Math.abs(guess - v));
      const paeth = dl <= du && dl <= dc ? left : du <= dc ? up : corner;
      const predicted = [0, left, up, (left + up) >> 1, paeth][filter];
      out[here] = (raw[y * (stride + 1) + 1 + x] + predicted) & 0xff;
    }
  }
  return { width, height, channels, out };
}

const { width, height, channels, out } = pixels(readFileSync(picture));
const colours = new Set();
let drawn = 0;
for (let at = 0; at < out.length; at += channels) {
  const colour = (out[at] << 16) | (out[at + 1] << 8) | out[at + 2];
  if (colour !== 0xffffff) drawn++;
  colours.add(colour);
}
const share = drawn / (width * height);
console.log(`${width} x ${height}, ${(100 * share).toFixed(1)} % drawn, ${colours.size} colours, no errors`);
if (share < 0.01 || colours.size < 20) throw new Error('the page is blank');
