import { Writable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { paintLine } from '../../../cli/terminal/lines.ts';
import { Terminal } from '../../../cli/terminal/terminal.ts';
import { RecordedStream } from '../../support/recorded-stream.ts';

class Recorded extends Writable {
  text = '';
  isTTY = false;
  columns = 60;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

class ClosedPipe extends Writable {
  writes = 0;
  override _write(_chunk: Buffer, _encoding: string, done: (error: Error) => void): void {
    this.writes++;
    done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  }
}

test('results go to stdout, everything else to stderr', async () => {
  const [out, err] = [new Recorded(), new Recorded()];
  const terminal = new Terminal(out, err);
  terminal.progress('a', 'working');
  terminal.note('a word');
  await terminal.printJson([1]);
  terminal.endProgress();
  expect(out.text).toBe('[\n  1\n]\n');
  expect(err.text).toBe('working\na word\n');
});

test.each([[[]], [[1]], [[{ text: 'a\nb', list: [1, {}] }, { text: '\u009b31m' }, null]]])(
  'a list printed item by item reads as if printed whole: %j',
  async (items: unknown[]) => {
    const [whole, oneByOne] = [new Recorded(), new Recorded()];
    await new Terminal(whole, new Recorded()).printJson(items);
    async function* each(): AsyncGenerator {
      yield* items;
    }
    await new Terminal(oneByOne, new Recorded()).printJsonItems(each());
    expect(oneByOne.text).toBe(whole.text);
  },
);

test('a list printed item by item is read no further than it is printed, in whole lines', async () => {
  const out = new Recorded();
  const made: string[] = [];
  async function* items(): AsyncGenerator<number> {
    for (let n = 1; n <= 3; n++) {
      made.push(out.text);
      yield n;
    }
  }
  await new Terminal(out, new Recorded()).printJsonItems(items());
  expect(made).toEqual(['', '[\n', '[\n  1,\n']);
});

test('a list whose reader has gone is not read to its end', async () => {
  const terminal = new Terminal(new ClosedPipe(), new Recorded());
  let made = 0;
  async function* items(): AsyncGenerator<number> {
    for (; made < 1_000; made++) yield made;
  }
  await terminal.printJsonItems(items());
  expect(made).toBeLessThan(10);
});

test('quiet omits messages and progress, but no result, error or question', async () => {
  const [out, err] = [new Recorded(), new Recorded()];
  const terminal = new Terminal(out, err);
  terminal.quiet = true;
  terminal.progress('a', 'working');
  terminal.note('a word');
  terminal.alert('sluice: no such file');
  await terminal.print('result');
  expect([out.text, err.text]).toEqual(['result', 'sluice: no such file\n']);
});

test('a terminal has one line of progress, which fits it and is cleared before other output', async () => {
  const [out, err] = [new Recorded(), new Recorded()];
  err.isTTY = true;
  const terminal = new Terminal(out, err);
  terminal.progress('a', 'x'.repeat(100));
  terminal.progress('a', 'two');
  terminal.progress('a', 'two');
  await terminal.print('result\n');
  expect(err.text).toBe(`\r\u001b[2K${'x'.repeat(58)}…\r\u001b[2Ktwo\r\u001b[2K`);
});

test('without a terminal, progress is a line at each phase, and one now and then', () => {
  let now = 0;
  const err = new Recorded();
  const terminal = new Terminal(new Recorded(), err, () => now);
  for (; now <= 21_000; now += 500) terminal.progress('a', `at ${now}`);
  terminal.progress('b', 'next');
  expect(err.text).toBe('at 0\nat 10000\nat 20000\nnext\n');
});

test('a closed output is not a fault, and is not written to any more', async () => {
  const out = new ClosedPipe();
  const terminal = new Terminal(out, new Recorded());
  await terminal.print('one\n');
  await terminal.print('two\n');
  expect(out.writes).toBe(1);
  expect(terminal.outputClosed).toBe(true);
});

test('no output moves the cursor of the terminal', async () => {
  const [out, err] = [new Recorded(), new Recorded()];
  const terminal = new Terminal(out, err);
  terminal.note('dropped traffic/\u001b]0;owned\u0007.csv');
  await terminal.print('{"key":"\u009b2J"}\n');
  out.isTTY = true;
  await terminal.print('{"key":"\u009b2J"}\n');
  expect(err.text).toBe('dropped traffic/·]0;owned·.csv\n');
  expect(out.text).toBe('{"key":"\u009b2J"}\n{"key":"·2J"}\n');
});

describe('on a terminal, colours in outside text are removed and ours are kept', () => {
  const [out, err] = [new RecordedStream(), new RecordedStream()];
  out.isTTY = err.isTTY = true;
  const terminal = new Terminal(out, err);
  const foreign = '\u001b[41mred\u001b[0m\u009b31m';
  const plain = '·[41mred·[0m·31m';
  const bold = `\u001b[1m${plain}\u001b[22m`;

  test.each([
    ['results', async () => terminal.print(`${terminal.style('bold', foreign)} ${foreign}`), out, `${bold} ${plain}`],
    [
      'notes',
      async () => terminal.note(`${terminal.styleNote('bold', foreign)} ${foreign}`),
      err,
      `${bold} ${plain}\n`,
    ],
    ['progress', async () => terminal.progress('a', `${foreign}\n2`), err, `\r\u001b[2K${plain}⏎2`],
    [
      'painted lines',
      async () => void out.write(paintLine([{ text: foreign, style: 'bold' }], 60, terminal.paint)),
      out,
      bold,
    ],
  ])('in %s', async (_, say, stream, expected) => {
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('FORCE_COLOR', '1');
    stream.take();
    await say();
    expect(stream.take()).toBe(expected);
    vi.unstubAllEnvs();
  });

  test('in progress without a terminal’s line', () => {
    const plainErr = new RecordedStream();
    new Terminal(new RecordedStream(), plainErr).progress('a', foreign);
    expect(plainErr.text).toBe(`${plain}\n`);
  });
});

test('output that is not a terminal gets no colour', () => {
  expect(new Terminal(new Recorded(), new Recorded()).style('red', 'plain')).toBe('plain');
});
