import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SourceChangedError } from '../../../lambdas/core/errors.ts';
import { fileId, splitObject } from '../../support/split-object.ts';
import { noDeadline, sha256Of } from '../../support/splitter-world.ts';
import type { ZipEntry } from '../../support/zip-archive.ts';
import { zipArchive } from '../../support/zip-archive.ts';

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const csv = Buffer.from(
  [header, ...Array.from({ length: 200 }, (_, n) => `SP-${n},WABC,2026-01-05 06:00:00,30,Client ${n * 7919}`)].join(
    '\r\n',
  ),
);
const member: ZipEntry = { name: 'log.csv', content: csv };

describe('a ZIP archive', () => {
  it('of one file is split into its batches; the checksum is that of the archive', async () => {
    const zip = zipArchive([member]);
    const { batches, account } = await splitObject(zip);
    expect(batches).toEqual((await splitObject(csv)).batches);
    expect(account).toMatchObject({
      state: 'split',
      totalRecords: 200,
      sha256: sha256Of(zip),
      content: { compression: 'zip', member: { name: 'log.csv', method: 'deflated' }, bytes: csv.length },
      dialect: { format: 'csv' },
    });
  });

  it.each<[string, Buffer]>([
    ['in a folder', zipArchive([{ name: 'out/' }, { ...member, name: 'out/log.csv' }])],
    ['with what macOS adds', zipArchive([member, { name: '__MACOSX/' }, { name: '__MACOSX/._log.csv', content: 'x' }])],
    ['with .DS_Store', zipArchive([{ name: '.DS_Store', content: 'x' }, member])],
    ['with a name that no one could unpack to', zipArchive([{ ...member, name: 'C:\\exports\\..\\log.csv' }])],
    ['with a comment', zipArchive([member], 'made by an exporter')],
    ['with a line feed after it', Buffer.concat([zipArchive([member]), Buffer.from('\n')])],
    ['with CR and LF after it', Buffer.concat([zipArchive([member]), Buffer.from('\r\n')])],
    ['without compression', zipArchive([{ ...member, method: 0 }])],
    // An archive that was written to again: only its directory counts.
    ['behind what is left over of an earlier one', overwritten()],
  ])('is read %s', async (_, zip) => {
    const { batches, account } = await splitObject(zip);
    expect(account).toMatchObject({ state: 'split', totalRecords: 200 });
    expect(batches.length).toBe((await splitObject(csv)).batches.length);
  });

  it('has its format determined by the name of its file, if the content is ambiguous', async () => {
    const broken = '{"SpotID": "S1", broken\n';
    const { account } = await splitObject(zipArchive([{ name: 'LOG.JSONL', content: broken }]));
    expect(account).toMatchObject({ totalRecords: 1, dialect: { format: 'jsonl' } });
  });

  const many = Array.from({ length: 30 }, (_, n) => ({ name: `part-${n}.csv`, content: 'x' }));
  const flipped = zipArchive([member]);
  flipped[200] = (flipped[200] ?? 0) ^ 1;
  const zip = zipArchive([member]);
  it.each<[string, Buffer, string, RegExp]>([
    ['several files', zipArchive([member, { name: 'b.csv' }]), 'zip_members', /2 files \("log\.csv", "b\.csv"\)/],
    ['many files', zipArchive(many), 'zip_members', /30 files \("part-0\.csv".*"part-9\.csv", …\)/],
    ['thousands of entries', zipArchive(Array(1500).fill({ name: 'd/' })), 'zip_members', /1500 entries/],
    ['no file', zipArchive([{ name: 'folder/' }]), 'zip_empty', /no file/],
    ['nothing', zipArchive([]), 'zip_empty', /no file/],
    ['an encrypted file', zipArchive([{ ...member, flags: 1 }]), 'zip_encrypted', /password/],
    ['a strongly encrypted file', zipArchive([{ ...member, flags: 0x41 }]), 'zip_encrypted', /password/],
    ['a file encrypted by AES', zipArchive([{ ...member, method: 99 }]), 'zip_encrypted', /password/],
    ['Deflate64', zipArchive([{ ...member, method: 9 }]), 'zip_method', /Deflate64/],
    ['a method without a name', zipArchive([{ ...member, method: 77 }]), 'zip_method', /method 77/],
    ['another checksum', zipArchive([{ ...member, crc32: 1 }]), 'zip_corrupt', /checksum wrong/],
    ['another size', zipArchive([{ ...member, bytes: 1 }]), 'zip_corrupt', /of 1 bytes/],
    ['a bit flipped', flipped, 'zip_corrupt', /damaged/],
    ['no end', zip.subarray(0, zip.length - 30), 'zip_truncated', /is incomplete/],
    ['a workbook', zipArchive([{ name: '[Content_Types].xml' }, { name: 'xl/workbook.xml' }]), 'excel', /Excel/],
    ['a document', zipArchive([{ name: '[Content_Types].xml' }, { name: 'word/document.xml' }]), 'office', /Office/],
    ['an OpenDocument table', zipArchive([{ name: 'mimetype' }, { name: 'content.xml' }]), 'office', /OpenDocument/],
    ['a ZIP archive', zipArchive([{ name: 'in.zip', content: zip }]), 'archive', /ZIP/],
    ['a gzip', zipArchive([{ name: 'log.gz', content: gzipSync(csv) }]), 'gzip', /twice/],
    ['a bomb', zipArchive([{ name: 'x', content: Buffer.alloc(64 * 1024 * 1024, 'x') }]), 'zip_bomb', /200 times/],
  ])('of %s is refused, with an explanation', async (_, object, code, sentence) => {
    const { batches, account } = await splitObject(object);
    expect(batches).toEqual([]);
    expect(account).toMatchObject({ state: 'failed', failure: { code } });
    expect(account?.failure?.message).toMatch(sentence);
    expect(account?.failure?.message.length).toBeLessThan(1500);
  });

  it('that is truncated anywhere, or has any byte changed, never sends records its file does not have', async () => {
    const { batches } = await splitObject(csv);
    const small = zipArchive([member]);
    for (let at = 0; at < small.length; at += 13) {
      const cut = await splitObject(small.subarray(0, at));
      expect(cut.batches).toEqual([]);
      const changed = Buffer.from(small);
      changed[at] = (changed[at] ?? 0) ^ 0x55;
      const other = await splitObject(changed);
      if (other.account?.state !== 'failed') expect(other.batches).toEqual(batches);
    }
  });

  it('ends as superseded when the object is replaced while its directory is read', async () => {
    const { account } = await splitObject(zip, noDeadline, (world) => {
      world.source.sizeBytes = 9 * 1024 * 1024;
      world.ports.sources.read = async function* (source, offset) {
        if (world.ports.ledger.files.get(fileId)?.sha256 !== undefined && offset > 0)
          throw new SourceChangedError('replaced');
        yield Buffer.concat([zip, Buffer.alloc(source.sizeBytes - zip.length)]).subarray(offset);
      };
    });
    expect(account).toMatchObject({ state: 'superseded', failure: { code: 'source_replaced' } });
  });
});

describe('a Zstandard file', () => {
  it.each<[string, Buffer]>([
    ['of one frame', zstdCompressSync(csv)],
    ['that is padded with zeros', Buffer.concat([zstdCompressSync(csv), Buffer.alloc(100)])],
    ['with a line feed after it', Buffer.concat([zstdCompressSync(csv), Buffer.from('\n')])],
    ['behind a frame to be skipped', Buffer.concat([skippable('made by pzstd'), zstdCompressSync(csv)])],
  ])('%s is read like its content', async (_, object) => {
    const { batches, account } = await splitObject(object, noDeadline, undefined, 7);
    expect(batches).toEqual((await splitObject(csv)).batches);
    expect(account).toMatchObject({ content: { compression: 'zstd', bytes: csv.length } });
  });

  const good = zstdCompressSync(csv);
  it.each<[string, Buffer, string]>([
    ['truncated', good.subarray(0, good.length - 5), 'zstd_truncated'],
    ['whose second frame is cut off', Buffer.concat([good, good.subarray(0, 9)]), 'zstd_truncated'],
    ['followed by something else', Buffer.concat([good, Buffer.from('not Zstandard')]), 'zstd_corrupt'],
    [
      'with a damaged block',
      Buffer.concat([good.subarray(0, 20), Buffer.alloc(9, 0xff), good.subarray(29)]),
      'zstd_corrupt',
    ],
    ['that is a bomb', zstdCompressSync(Buffer.alloc(64 * 1024 * 1024, 'x')), 'zstd_bomb'],
  ])('%s is refused', async (_, object, code) => {
    const { batches, account } = await splitObject(object);
    expect(batches).toEqual([]);
    expect(account).toMatchObject({ state: 'failed', failure: { code } });
  });
});

function overwritten(): Buffer {
  const old = Buffer.from('PK\x03\x04 what an earlier version of the archive had here');
  const zip = zipArchive([member]);
  // Every offset in the archive moves by the length of the prefix.
  const moved = Buffer.concat([old, zip]);
  const directory = moved.lastIndexOf('PK\x01\x02');
  moved.writeUInt32LE(old.length, directory + 42);
  moved.writeUInt32LE(directory, moved.lastIndexOf('PK\x05\x06') + 16);
  return moved;
}

function skippable(text: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a50, 0);
  head.writeUInt32LE(text.length, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}
