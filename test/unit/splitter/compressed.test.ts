import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceChangedError } from '../../../lambdas/core/errors.ts';
import type { Deadline } from '../../../lambdas/runtime/deadline.ts';
import { splitFile } from '../../../lambdas/splitter/split-file.ts';
import { fileLeaseMs } from '../../../lambdas/splitter/splitter-ports.ts';
import { fileId, splitObject as split, worldOf } from '../../support/split-object.ts';
import { distinctBatches, noDeadline, sha256Of, smallLimits } from '../../support/splitter-world.ts';
import { zipArchive } from '../../support/zip-archive.ts';

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const rows = (count: number) =>
  Array.from({ length: count }, (_, n) => `SP-${n},WABC,2026-01-05 06:00:00,30,"Client\r\n""${n * 7919}"""`);
const csvOf = (count: number) => Buffer.from([header, ...rows(count), ''].join('\r\n'));

describe('a gzip', () => {
  it('is split into the batches of its content; the checksum is of its own bytes', async () => {
    const csv = csvOf(100);
    const gzip = gzipSync(csv);
    const { batches, account } = await split(gzip);
    expect(batches).toEqual((await split(csv)).batches);
    expect(account).toMatchObject({
      state: 'split',
      totalRecords: 100,
      sha256: sha256Of(gzip),
      content: { compression: 'gzip', bytes: csv.length },
      dialect: { format: 'csv' },
    });
  });

  it.each([
    [
      'JSON Lines',
      rows(50)
        .map((_, n) => JSON.stringify({ SpotID: `${n}` }))
        .join('\n'),
      'jsonl',
      50,
    ],
    [
      'a JSON array',
      JSON.stringify(
        rows(50).map((_, n) => ({ SpotID: `${n}` })),
        null,
        2,
      ),
      'json-array',
      50,
    ],
  ])('of %s is detected from its content', async (_, text, format, records) => {
    const { account } = await split(gzipSync(text));
    expect(account).toMatchObject({ state: 'split', totalRecords: records, dialect: { format } });
  });

  it('of several members is one content, and may be padded with zeros', async () => {
    const csv = csvOf(60);
    const members = [csv.subarray(0, 100), csv.subarray(100, 101), Buffer.alloc(0), csv.subarray(101)];
    const gzip = Buffer.concat([...members.map((member) => gzipSync(member)), Buffer.alloc(1024)]);
    expect((await split(gzip)).batches).toEqual((await split(csv)).batches);
  });

  it.each([
    ['a line feed', '\n'],
    ['CR and LF', '\r\n'],
    ['zeros and a line feed', '\0\0\0\n'],
  ])('is complete with trailing %s', async (_, rest) => {
    const csv = csvOf(60);
    const { batches, account } = await split(Buffer.concat([gzipSync(csv), Buffer.from(rest)]));
    expect(batches).toEqual((await split(csv)).batches);
    expect(account?.content?.bytes).toBe(csv.length);
  });

  it('whose own last byte is a line feed is read up to that byte', async () => {
    // The footer ends with the content's size, in little-endian: 0x0A000000 bytes and some.
    const content = Buffer.alloc(0x0a00_0001, ' ');
    content.write(`${header}\n`);
    const member = gzipSync(content);
    expect(member.at(-1)).toBe(10);
    const { account } = await split(member, noDeadline, (world) => (world.ports.gzip.maxRatio = 2000));
    expect(account).toMatchObject({ content: { compression: 'gzip', bytes: 0x0a00_0001 } });
    expect(account?.content?.place).toBeUndefined();
  }, 30_000);

  it.each([
    ['nothing', gzipSync('')],
    ['blank lines', gzipSync('\r\n\r\n')],
  ])('of %s has no records', async (_, gzip) => {
    const { account } = await split(gzip);
    expect(account).toMatchObject({ state: 'split', totalRecords: 0, warnings: [{ code: 'empty_file' }] });
  });

  it('is found by its content, not its name', async () => {
    const { account } = await split(csvOf(10), noDeadline, (world) => (world.source.key = 'traffic/log.csv.gz'));
    expect(account).toMatchObject({ state: 'split', totalRecords: 10 });
    expect(account?.content).toBeUndefined();
  });
});

describe('a gzip that is refused sends nothing and gives the reason:', () => {
  const good = gzipSync(csvOf(2000));
  const flipped = Buffer.from(good);
  flipped[good.length - 6] = (flipped[good.length - 6] ?? 0) ^ 1;

  it.each([
    ['truncated', good.subarray(0, good.length - 20), 'gzip_truncated', /is incomplete/],
    ['cut off within its header', good.subarray(0, 5), 'gzip_truncated', /is incomplete/],
    ['whose second member is cut off', Buffer.concat([good, good.subarray(0, 5)]), 'gzip_truncated', /incomplete/],
    ['with a bit flipped', flipped, 'gzip_corrupt', /damaged/],
    ['followed by something else', Buffer.concat([good, Buffer.from('not gzip')]), 'gzip_corrupt', /damaged/],
    ['with a member behind padding', Buffer.concat([good, Buffer.alloc(9), good]), 'gzip_corrupt', /no other follows/],
    ['of a gzip', gzipSync(good), 'gzip', /compressed twice/],
    ['of a PDF', gzipSync('%PDF-1.7 and so on'), 'pdf', /PDF/],
  ])('one %s', async (_, gzip, code, sentence) => {
    const { account, batches, world } = await split(gzip);
    expect(batches).toEqual([]);
    expect(account).toMatchObject({ state: 'failed', totalRecords: 0, failure: { code } });
    expect(account?.failure?.message).toMatch(sentence);
    expect(world.finalize).toHaveLength(1);
  });

  it('a bomb, before much of it is inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024, 'x'));
    const { account } = await split(bomb);
    expect(account).toMatchObject({ state: 'failed', failure: { code: 'gzip_bomb' } });
  });

  it('one that holds more than the limit', async () => {
    const { account } = await split(good, noDeadline, (world) => (world.ports.gzip.maxContentBytes = 100_000));
    expect(account).toMatchObject({ state: 'failed', failure: { code: 'gzip_too_large' } });
    expect(account?.failure?.message).toMatch(/100000 bytes/);
  });

  it('one that can not be inflated in one invocation', async () => {
    const noRoom: Deadline = { remainingMs: () => 120_000, isDrawingIn: () => false };
    const { account } = await split(good, noRoom, ({ ports }) => {
      // Time passes only once inflating has begun.
      noRoom.isDrawingIn = () => {
        if (ports.ledger.files.get(fileId)?.sha256 === undefined) return false;
        noRoom.remainingMs = () => 10_000;
        return true;
      };
    });
    expect(account).toMatchObject({ state: 'failed', failure: { code: 'gzip_too_large' } });
  });

  it('but not one whose function was asked to end early', async () => {
    const asked: Deadline = { remainingMs: () => 120_000, isDrawingIn: () => false };
    const { world, account } = await split(good, asked, ({ ports }) => {
      asked.isDrawingIn = () => ports.ledger.files.get(fileId)?.sha256 !== undefined;
    });
    expect(account).toMatchObject({ state: 'splitting' });
    expect(world.intake).toMatchObject([{ kind: 'continue', fileId }]);
  });
});

describe('a splitter of a gzip', () => {
  it('that has too little time left to inflate it leaves that to a continuation', async () => {
    let drawsIn = true;
    const late: Deadline = { remainingMs: () => 5_000, isDrawingIn: () => drawsIn };
    const { world, account } = await split(gzipSync(csvOf(100)), late);
    expect(account).toMatchObject({ state: 'splitting' });
    expect(world.intake).toMatchObject([{ kind: 'continue', fileId }]);
    drawsIn = false;
    await splitFile(fileId, undefined, world.ports, late);
    expect(world.ports.ledger.files.get(fileId)).toMatchObject({ state: 'split', totalRecords: 100 });
  });

  it('keeps its lease while it inflates up to the checkpoint', async () => {
    // Little of it can be compressed: a step in reading is a step in inflating.
    const names = rows(20_000).map((row, n) => `${row.slice(0, -1)}${sha256Of(Buffer.from(`${n}`))}"`);
    const csv = Buffer.from([header, ...names].join('\n'));
    const { world, clock, create } = await split(
      gzipSync(csv),
      noDeadline,
      ({ ports }) => (ports.horizon.records = 9_000),
    );
    const held = world.ports.ledger.files.get(fileId);
    expect(held?.checkpoint?.record).toBeGreaterThanOrEqual(9_000);
    expect(held?.state).toBe('splitting');
    // Everything is slow now: the lease would be over long before the first new record.
    const read = world.ports.sources.read.bind(world.ports.sources);
    world.ports.sources.read = async function* (source, offset) {
      for await (const chunk of read(source, offset)) {
        await clock.advance(200);
        yield chunk;
      }
    };
    world.ports.horizon.records = 1e9;
    await clock.advance(1_000_000);
    let expired = 0;
    world.onStep = () => {
      if ((world.ports.ledger.files.get(fileId)?.leaseUntil ?? Infinity) < clock.now()) expired++;
    };
    const beganAt = clock.now();
    await splitFile(fileId, create, world.ports, noDeadline);
    expect(expired).toBe(0);
    expect(world.ports.ledger.files.get(fileId)).toMatchObject({ state: 'split', totalRecords: 20_000 });
    expect(distinctBatches(world.sent)).toEqual((await split(csv)).batches);
    expect(clock.now() - beganAt).toBeGreaterThan(2 * fileLeaseMs);
  });

  it('ends it as superseded when the object is replaced while it is inflated', async () => {
    const { account, batches } = await split(gzipSync(csvOf(2000)), noDeadline, (world) => {
      const read = world.ports.sources.read.bind(world.ports.sources);
      // Larger than what is kept in memory after hashing, so that each step reads it again.
      world.source.sizeBytes = 9 * 1024 * 1024;
      let reads = 0;
      world.ports.sources.read = async function* (source, offset) {
        if (++reads === 3) throw new SourceChangedError('replaced');
        yield* read(source, offset);
      };
    });
    expect(batches).toEqual([]);
    expect(account).toMatchObject({ state: 'superseded', failure: { code: 'source_replaced' } });
  });
});

/** Each takes the content and where it may be divided, and returns an object that contains it. */
const packings: Record<string, (bytes: Buffer, parts: Buffer[]) => Buffer> = {
  'a gzip of several members': (_, parts) => Buffer.concat(parts.map((part) => gzipSync(part))),
  'a gzip with a line break after it': (bytes) => Buffer.concat([gzipSync(bytes), Buffer.from('\r\n')]),
  'a ZIP archive': (bytes) => zipArchive([{ name: 'log.csv', content: bytes }]),
  'a ZIP archive that is not compressed': (bytes) => zipArchive([{ name: 'log.csv', content: bytes, method: 0 }]),
  'a Zstandard file of several frames': (_, parts) => Buffer.concat(parts.map((part) => zstdCompressSync(part))),
  'UTF-16, little-endian': (bytes) => Buffer.from(bytes.toString(), 'utf16le'),
  'UTF-16, big-endian': (bytes) => Buffer.from(bytes.toString(), 'utf16le').swap16(),
  'a gzip of UTF-16': (bytes) => gzipSync(Buffer.from(bytes.toString(), 'utf16le')),
};

describe('in any format and compression, wherever its splitter stops, a file', () => {
  const text = fc
    .array(fc.constantFrom('a', '"', ',', '\n', '\r\n', 'SP-1,W,2026,30,C\r\n', '\0', 'é', '😀', '\uffff'), {
      maxLength: 300,
    })
    .map((parts) => `\uFEFF${header}\r\n${parts.join('')}`);

  it.each(Object.entries(packings))('%s is split into the batches of the plain file', async (_, pack) => {
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.integer({ min: 1, max: 64 }),
        fc.array(fc.nat(300), { maxLength: 3 }),
        fc.integer({ min: 1, max: 12 }),
        async (content, chunkBytes, partEnds, looks) => {
          const bytes = Buffer.from(content);
          const ends = [...partEnds.map((end) => Math.min(end, bytes.length)), bytes.length].sort((a, b) => a - b);
          const parts = ends.map((end, n) => bytes.subarray(n === 0 ? 0 : ends[n - 1], end));
          const plain = await split(bytes);
          const { world } = worldOf(pack(bytes, parts), chunkBytes);
          const create = { fileId, feed: 'traffic', lane: 'main', source: world.source, limits: smallLimits };
          // The first looks are for reading it once: a check needs a whole invocation.
          const deadlineOf = (count: number): Deadline => ({
            remainingMs: () => 5_000,
            isDrawingIn: () => count-- <= 0,
          });
          await splitFile(fileId, create, world.ports, deadlineOf(looks));
          for (let next = world.intake.shift(), room = looks; next; next = world.intake.shift()) {
            await splitFile(fileId, undefined, world.ports, deadlineOf((room += 10)));
          }
          expect(distinctBatches(world.sent)).toEqual(plain.batches);
          const account = world.ports.ledger.files.get(fileId);
          expect(account).toMatchObject({
            totalRecords: plain.account?.totalRecords,
            content: { bytes: bytes.length },
          });
        },
      ),
      { numRuns: 25 },
    );
  });
});
