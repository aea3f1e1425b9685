import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { splitFile } from '../../../lambdas/splitter/split-file.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { distinctBatches, noDeadline, splitterWorld } from '../../support/splitter-world.ts';

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const row = (id: string) => `${id},WABC,2026-01-05 06:00:00,30,Client`;
const limits = { maxBatchRecords: 500, maxBatchBytes: 96_000, maxRecordBytes: 64 * 1024 };
const mib = 1024 * 1024;

// When unused buffers are collected depends on what ran in this process before.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const measureEveryBytes = 50 * mib;

/** Splits an object that is never in memory as a whole; gives the most memory that buffers took on the way. */
async function splitLarge(parts: readonly { bytes: Buffer; times: number }[]) {
  const clock = new SimulatedClock();
  const world = splitterWorld(clock, Buffer.alloc(0));
  world.source.sizeBytes = parts.reduce((sum, { bytes, times }) => sum + bytes.length * times, 0);
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  let mostBytes = 0;
  let measuredAt = 0;
  world.ports.sources.read = async function* (_, offset) {
    let at = 0;
    for (const { bytes, times } of parts) {
      for (let n = 0; n < times; n++, at += bytes.length) {
        // Like a response of S3: each chunk has its own memory.
        if (at + bytes.length > offset) yield Buffer.from(bytes.subarray(Math.max(0, offset - at)));
        if (at < measuredAt + measureEveryBytes) continue;
        measuredAt = at;
        collectGarbage();
        mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before);
      }
    }
  };
  const create = { fileId: 'f', feed: 'traffic', lane: 'main', source: world.source, limits };
  await splitFile('f', create, world.ports, noDeadline);
  return { batches: distinctBatches(world.sent), account: world.ports.ledger.files.get('f'), mostBytes };
}

it('a line of 500 MB costs one record, and no memory', async () => {
  const line = Buffer.alloc(mib, 'x');
  const { batches, account, mostBytes } = await splitLarge([
    { bytes: Buffer.from(`${header}\n${row('first')}\n`), times: 1 },
    { bytes: line, times: 500 },
    { bytes: Buffer.from(`\n${row('last')}\n`), times: 1 },
  ]);
  expect(account).toMatchObject({ state: 'split', totalRecords: 3 });
  const hash = createHash('sha256');
  for (let n = 0; n < 500; n++) hash.update(line);
  expect(batches).toMatchObject([
    { records: 1, body: row('first') },
    { kind: 'oversize', records: 1, length: 500 * mib, sha256: hash.digest('hex'), firstLine: 3 },
    { records: 1, body: row('last'), firstLine: 4 },
  ]);
  // Two stretches at most: buffers are freed in the background. The line itself would be five times that.
  expect(mostBytes).toBeLessThan(2 * measureEveryBytes + 1);
});

it('a quote that never ends, before 100 MB of rows, costs its row', async () => {
  const rows = Buffer.from(`${Array.from({ length: 8_000 }, (_, n) => row(`SP-${n}`)).join('\n')}\n`);
  const times = Math.ceil((100 * mib) / rows.length);
  const { account, batches } = await splitLarge([
    { bytes: Buffer.from(`${header}\nSP-x,WABC,2026-01-05 06:00:00,30,"Client\n`), times: 1 },
    { bytes: rows, times },
  ]);
  expect(account).toMatchObject({ state: 'split', totalRecords: 1 + 8_000 * times });
  expect(batches.reduce((sum, { records }) => sum + records, 0)).toBe(1 + 8_000 * times);
});

it('a million empty lines are not records, and are counted', async () => {
  const { account, batches } = await splitLarge([
    { bytes: Buffer.from(`${header}\r\n`), times: 1 },
    { bytes: Buffer.from('\r\n'.repeat(1_000)), times: 1_000 },
    { bytes: Buffer.from(row('only')), times: 1 },
  ]);
  expect(account).toMatchObject({ state: 'split', totalRecords: 1, warnings: [{ code: 'no_final_line_break' }] });
  expect(batches).toMatchObject([{ records: 1, firstLine: 1_000_002, offset: header.length + 2 + 2_000_000 }]);
});

it('10,000 columns are read, and the known ones found', async () => {
  const surplus = Array.from({ length: 9_995 }, (_, n) => `c${n}`);
  const { account } = await splitLarge([
    { bytes: Buffer.from(`${[...surplus, header].join(',')}\n${'1,'.repeat(9_995)}${row('wide')}\n`), times: 1 },
  ]);
  expect(account).toMatchObject({ state: 'split', totalRecords: 1 });
  expect(account?.dialect).toMatchObject({ format: 'csv', columns: [...surplus, ...header.split(',')] });
});

it('a JSON array that never closes yields its elements, and is reported as open', async () => {
  const elements = Buffer.from('{"SpotID":"a"},\n'.repeat(10_000));
  const { account } = await splitLarge([
    { bytes: Buffer.from('[\n'), times: 1 },
    { bytes: elements, times: 100 },
  ]);
  expect(account).toMatchObject({ state: 'split', totalRecords: 1_000_000, warnings: [{ code: 'unclosed_array' }] });
});
