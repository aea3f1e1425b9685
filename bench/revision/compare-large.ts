/**
 * The splitter's comparison of a revision with a file of which the API has every record, in a process of its own:
 * `node compare-large.ts RECORDS`. Object and receipts are on disk; one row in a hundred has changed.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip, createGzip, gzipSync } from 'node:zlib';
import { receiptOf } from '../../lambdas/core/account/receipt-of.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { BatchCutter, startOf } from '../../lambdas/core/records/batch-cutter.ts';
import { prepareCut } from '../../lambdas/core/records/prepare-batch.ts';
import type { SourceObjects } from '../../lambdas/ports.ts';
import type { RevisionBase } from '../../lambdas/core/series/revision.ts';
import { cutFile } from '../../lambdas/splitter/cut-file.ts';
import type { CutFile } from '../../lambdas/splitter/cut-file.ts';
import { planRevision } from '../../lambdas/splitter/plan-revision.ts';
import { peakOf } from '../delivery/cpu-by-part.ts';
import type { SplitterCase } from '../splitter-cases.ts';
import { chunksOf, repeatedExport, sizeOf } from '../splitter-cases.ts';
import { claimed, dialectOf, feed, portsInMemory, wholeInvocation } from '../splitter-in-memory.ts';
import type { Used } from './use-of.ts';
import { useOf } from './use-of.ts';

export interface LargeFigures {
  records: number;
  isGzip: boolean;
  unchanged: number;
  /** SHA-256 of the object: what every file costs. */
  hashed: Used;
  compared: Used;
  /** Cut into batches with their plans, and queued, where SQS takes no time. */
  cut: Used;
  /** Bytes of memory at most, in MB. */
  peakMb: number;
  bytes: number;
}

const [wanted = '100000', compression = ''] = process.argv.slice(2);
const isGzip = compression === 'gzip';
const one: SplitterCase = { name: 'csv', format: 'csv', takes: (row) => !row.includes(0x22) };
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
const path = (name: string): string => join(folder, name);
try {
  process.stdout.write(JSON.stringify(await measure(Number(wanted))));
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(records: number): Promise<LargeFigures> {
  // Rows have some 100 bytes; a block has 40,000 of them.
  const content = repeatedExport(one);
  const bytesWanted = Math.ceil(records / content.marks.length) * content.block.length;
  const bytes = sizeOf(content, bytesWanted);
  const object = createWriteStream(path('object'));
  const sink = isGzip ? createGzip({ level: 1 }) : object;
  if (isGzip) sink.pipe(object);
  for (const chunk of chunksOf(content, bytesWanted)) {
    if (!sink.write(Buffer.from(chunk))) await new Promise<void>((resolve) => sink.once('drain', resolve));
  }
  sink.end();
  await finished(object);
  const ports = portsInMemory(
    () => [],
    () => undefined,
  );
  ports.sources.read = async function* (_source, offset) {
    yield* createReadStream(path('object'), { start: offset, highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
  };
  const head: Buffer[] = [];
  for (const chunk of chunksOf(content, 1024 * 1024)) head.push(Buffer.from(chunk));
  const account = await claimed(one, bytes, ports);
  const dialect = dialectOf(one, Buffer.concat(head).subarray(0, 1024 * 1024));
  const stored: Partial<FileAccount> = isGzip ? { content: { compression: 'gzip', bytes } } : {};
  const older: CutFile = { ...account, ...stored, dialect, sha256: '0'.repeat(64) };
  const { base, count } = await writeReceipts(older, ports.sources);
  const hashed = await useOf(async () => {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path('object'), { highWaterMark: 1024 * 1024 }))
      hash.update(chunk as Buffer);
    hash.digest('hex');
  });
  const newer: CutFile = { ...older, sha256: '1'.repeat(64) };
  const archive = { getStream: async () => createReadStream(path('receipts')) as Readable };
  let plan: Awaited<ReturnType<typeof planRevision>> | undefined;
  const compared = await useOf(async () => {
    plan = await planRevision(newer, [base], {
      ports: { ...ports, archive, rules: { guard: 1 } },
      deadline: wholeInvocation,
      keepLease: async () => undefined,
    });
  });
  if (plan?.kind !== 'planned') throw new Error('The two could not be compared.');
  const made = plan.plan;
  const { unchanged } = made.counts;
  if (unchanged + made.counts.changed !== count) throw new Error('Records are missing.');
  made.forgetKnown();
  const cut = await useOf(async () => {
    await cutFile(newer, undefined, ports, wholeInvocation, made);
  });
  return { records: count, isGzip, unchanged, hashed, compared, cut, peakMb: peakOf(process.pid) ?? 0, bytes };
}

/** As the file's manifest would name them: the API has every record, one in a hundred with other bytes. */
async function writeReceipts(
  file: CutFile,
  sources: Pick<SourceObjects, 'read'>,
): Promise<{ base: RevisionBase; count: number }> {
  const cutter = new BatchCutter(file.dialect, file.limits, startOf(file.dialect));
  const out = createWriteStream(path('receipts'));
  const hash = createHash('sha256');
  let count = 0;
  const write = async (batches: ReturnType<BatchCutter['push']>): Promise<void> => {
    for (const batch of batches) {
      const lines = prepareCut(batch, feed, file).map((record) => {
        const done = { place: 0, at: 1.7e12 + count++ * 10, outcome: 'uploaded' as const, status: 201, attempts: 1 };
        const receipt = receiptOf(record, done);
        return JSON.stringify(count % 100 === 0 ? { ...receipt, sha256: 'f'.repeat(64) } : receipt);
      });
      const member = gzipSync(`${lines.join('\n')}\n`, { level: 1 });
      hash.update(member);
      if (!out.write(member)) await new Promise<void>((resolve) => out.once('drain', resolve));
    }
  };
  const plain = isGzip ? createReadStream(path('object')).pipe(createGunzip()) : sources.read(file.source, 0);
  let skip = startOf(file.dialect).offset;
  for await (const piece of plain) {
    const chunk = piece as Buffer;
    await write(cutter.push(chunk.subarray(Math.min(skip, chunk.length))));
    skip = Math.max(0, skip - chunk.length);
  }
  await write(cutter.end());
  out.end();
  await finished(out);
  const receipts = { key: 'receipts', sha256: hash.digest('hex') };
  return {
    base: { fileId: 'older', manifest: 1, checksum: file.sha256 ?? '', records: count, receipts },
    count,
  };
}
