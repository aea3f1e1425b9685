import { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { printReceipts } from '../../../cli/archive/print-receipts.ts';
import { CliError } from '../../../cli/cli-error.ts';

class Reader extends Writable {
  text = '';
  readonly #leavesAfter: number;
  readonly #decoder = new StringDecoder('utf8');
  constructor(leavesAfter = Infinity) {
    super();
    this.#leavesAfter = leavesAfter;
    this.on('error', () => undefined);
  }
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.text += this.#decoder.write(chunk);
    done(this.text.length > this.#leavesAfter ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : undefined);
  }
}

test('unpacks every member of the archive’s gzip', async () => {
  const out = new Reader();
  const gzip = Buffer.concat([gzipSync('{"record":1}\n'), gzipSync(''), gzipSync('{"record":2}\n')]);
  await printReceipts(Readable.from([gzip.subarray(0, 7), gzip.subarray(7)]), out);
  expect(out.text).toBe('{"record":1}\n{"record":2}\n');
  expect(out.writableEnded).toBe(false);
});

test('removes control sequences for a terminal, and prints every byte to a pipe', async () => {
  const line = '{"answer":"\u009b2J, dé\u202e"}\n';
  const bytes = gzipSync(line);
  const [terminal, pipe] = [Object.assign(new Reader(), { isTTY: true }), new Reader()];
  await printReceipts(Readable.from([bytes]), terminal);
  await printReceipts(Readable.from([bytes]), pipe);
  expect(terminal.text).toBe('{"answer":"·2J, dé·"}\n');
  expect(pipe.text).toBe(line);
});

test('ends quietly when the reader closes the pipe, without reading on', async () => {
  let given = 0;
  const endless = Readable.from(
    (function* () {
      for (; given < 10_000; given++) yield gzipSync(`{"record":${given}}\n`.repeat(5_000));
    })(),
  );
  await printReceipts(endless, new Reader(1_000));
  expect(given).toBeLessThan(1_000);
});

test('reports damaged or truncated bytes', async () => {
  const gzip = gzipSync('{"record":1}\n'.repeat(1000));
  for (const bytes of [gzip.subarray(0, gzip.length - 4), Buffer.from('no gzip at all')]) {
    await expect(printReceipts(Readable.from([bytes]), new Reader())).rejects.toThrow(CliError);
  }
});

test.each([0, 1, 3])('prints %i receipts as one JSON array, wherever the chunks end', async (count) => {
  const lines = Array.from({ length: count }, (_, n) => ({ record: n + 1, error: 'é,\n[x]' }));
  const gzip = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const out = new Reader();
  await printReceipts(Readable.from(Array.from(gzip, (_, at) => gzip.subarray(at, at + 1))), out, { isJson: true });
  expect(JSON.parse(out.text)).toEqual(lines);
});
