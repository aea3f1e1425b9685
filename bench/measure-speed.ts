/** A separate process for each case, so that none runs on code that V8 has optimised for another. */
import { createHash } from 'node:crypto';
import { createGunzip, gzipSync } from 'node:zlib';
import { batchJson } from '../lambdas/core/records/slice-body.ts';
import { cutFile } from '../lambdas/splitter/cut-file.ts';
import { hashFile } from '../lambdas/splitter/hash-file.ts';
import type { BatchMessage } from '../lambdas/messages.ts';
import { interleave, median } from './interleave.ts';
import type { SplitterCase } from './splitter-cases.ts';
import { chunksOf, objectOf, repeatedExport, splitterCases } from './splitter-cases.ts';
import { claimed, dialectOf, from, portsInMemory, wholeInvocation } from './splitter-in-memory.ts';

export interface SpeedFigures {
  name: string;
  bytes: number;
  records: number;
  batches: number;
  /** Of the batches, those that travel as text. */
  texts: number;
  /** Milliseconds for the bytes: the median of the rounds. */
  medianMs: Record<SpeedTask, number>;
  /** How fast a pass is, as a share of its raw limit's speed: the median of the rounds' own ratios. */
  pass1OfSha256: number;
  pass2OfNewlines: number;
}

export type SpeedTask = 'sha256' | 'newlines' | 'gunzip' | 'pass1' | 'pass2' | 'pass2Stringified';

const lineFeed = 10;
/** Compressing takes long, and gunzip is as fast on less. */
const maxGunzipBytes = 32e6;

async function measure(one: SplitterCase, bytesWanted: number, rounds: number): Promise<SpeedFigures> {
  const chunks = [...chunksOf(repeatedExport(one), bytesWanted)];
  const object = objectOf(one, chunks);
  const bytes = lengthOf(chunks);
  const sample = Buffer.concat(chunks).subarray(0, maxGunzipBytes);
  const zipped = gzipSync(sample);
  const told = { records: 0, batches: 0, texts: 0 };

  const cut = async (send: (messages: BatchMessage[]) => void): Promise<void> => {
    const ports = portsInMemory((offset) => from(object, offset), send);
    const file = await claimed(one, lengthOf(object), ports);
    const dialect = dialectOf(one, chunks[0] as Buffer);
    const content = one.compress && { content: { compression: one.compress, bytes } };
    const end = await cutFile({ ...file, dialect, ...content }, undefined, ports, wholeInvocation);
    if (end.kind !== 'cut') throw new Error('There was time enough.');
    told.records = end.totals.records;
    told.batches = end.totals.batches;
  };
  const times = await interleave<SpeedTask>(rounds, {
    sha256: () => {
      const hash = createHash('sha256');
      for (const chunk of object) hash.update(chunk);
      hash.digest('hex');
    },
    pass1: async () => {
      const ports = portsInMemory(
        (offset) => from(object, offset),
        () => undefined,
      );
      await hashFile(await claimed(one, lengthOf(object), ports), ports, wholeInvocation);
    },
    newlines: () => {
      for (const chunk of chunks) for (let at = -1; (at = chunk.indexOf(lineFeed, at + 1)) !== -1;);
    },
    pass2: () =>
      cut((messages) => {
        // Only what keeps V8 from leaving the messages out.
        for (const message of messages) if (message.kind === 'slice' && message.body === '') throw new Error('empty');
      }),
    // What the adapter adds before the bytes go to SQS.
    pass2Stringified: () => {
      told.texts = 0;
      return cut((messages) => {
        for (const message of messages) {
          if (batchJson(message).length > 256 * 1024) throw new Error('A message is too long for the queue.');
          if (message.kind === 'slice' && message.encoding === 'text') told.texts++;
        }
      });
    },
    gunzip: () => drain(zipped),
  });
  const medianOf = (task: SpeedTask): number => median(times.map((round) => round[task]));
  const share = (task: SpeedTask, limit: SpeedTask): number => median(times.map((round) => round[limit] / round[task]));
  return {
    name: one.name,
    bytes,
    ...told,
    medianMs: {
      sha256: medianOf('sha256'),
      newlines: medianOf('newlines'),
      gunzip: (medianOf('gunzip') * bytes) / sample.length,
      pass1: medianOf('pass1'),
      pass2: medianOf('pass2'),
      pass2Stringified: medianOf('pass2Stringified'),
    },
    pass1OfSha256: share('pass1', 'sha256'),
    pass2OfNewlines: share('pass2', 'newlines'),
  };
}

function lengthOf(chunks: Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

async function drain(zipped: Buffer): Promise<void> {
  const gunzip = createGunzip({ chunkSize: 1024 * 1024 });
  gunzip.end(zipped);
  for await (const _ of gunzip);
}

const [name, megabytes, rounds] = process.argv.slice(2);
const one = splitterCases.find((each) => each.name === name);
if (!one) throw new Error(`There is no case '${name}'.`);
console.log(JSON.stringify(await measure(one, Number(megabytes) * 1e6, Number(rounds))));
