import { randomUUID } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { DeployedStack } from '../support/deployed-stack.ts';
import { expectExact } from '../support/expect-exact.ts';
import { csvExport, jsonArrayExport, jsonLinesExport } from '../support/traffic-exports.ts';
import { zipArchive } from '../support/zip-archive.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

describe('a compressed export', () => {
  it('in CSV with two members is processed with an exact account', async () => {
    const truth = csvExport(1_000);
    const middle = truth.text.length / 2;
    const object = Buffer.concat([truth.text.slice(0, middle), truth.text.slice(middle)].map((part) => gzipSync(part)));
    const { fileId } = await stack.drop(`traffic/${truth.prefix}.csv.gz`, object);
    const manifest = await expectExact(stack, fileId, truth, object);
    expect(manifest).toMatchObject({ format: 'csv', encoding: 'utf-8', compression: 'gzip' });
    expect(await stack.archived(manifest.archive.source_key ?? '')).toEqual(object);
  });

  it('in JSON Lines is processed with an exact account, whatever its name', async () => {
    const truth = jsonLinesExport(500);
    const object = gzipSync(truth.text);
    const { fileId } = await stack.drop(`traffic/${truth.prefix}.dat`, object);
    expect(await expectExact(stack, fileId, truth, object)).toMatchObject({ format: 'jsonl', compression: 'gzip' });
  });

  it('as a ZIP archive or in Zstandard is processed with an exact account', async () => {
    for (const [name, pack, compression] of [
      ['zip', (text: string) => zipArchive([{ name: 'out/' }, { name: 'out/log.csv', content: text }]), 'zip'],
      ['csv.zst', (text: string) => zstdCompressSync(text), 'zstd'],
    ] as const) {
      const truth = csvExport(500);
      const object = pack(truth.text);
      const { fileId } = await stack.drop(`traffic/${truth.prefix}.${name}`, object);
      expect(await expectExact(stack, fileId, truth, object)).toMatchObject({ format: 'csv', compression });
    }
  });

  it('that was copied incompletely fails with an explanation, and nothing of it is sent', async () => {
    const truth = csvExport(1_000);
    const object = gzipSync(truth.text);
    const { fileId } = await stack.drop(`traffic/${truth.prefix}.csv.gz`, object.subarray(0, object.length - 100));
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({ state: 'failed', total_records: 0, failure: { code: 'gzip_truncated' } });
    expect(await stack.stored(truth.prefix)).toEqual([]);
    // The whole one, dropped after it, is another file.
    const whole = await stack.drop(`traffic/${truth.prefix}.csv.gz`, object);
    await expectExact(stack, whole.fileId, truth, object);
  });
});

it('an export in UTF-16 is processed with an exact account of its text', async () => {
  const { text, ...truth } = csvExport(500);
  const withMark = `\uFEFF${text}`;
  const object = Buffer.from(withMark, 'utf16le');
  const { fileId } = await stack.drop(`traffic/${truth.prefix}.csv`, object);
  const manifest = await expectExact(stack, fileId, { ...truth, text: withMark }, object);
  expect(manifest).toMatchObject({ encoding: 'utf-8', decoded_from: 'utf-16le' });
});

it('an export as a JSON array is processed with an exact account', async () => {
  const truth = jsonArrayExport(500);
  const { fileId } = await stack.drop(`traffic/${randomUUID()}.json`, truth.text);
  expect(await expectExact(stack, fileId, truth)).toMatchObject({ format: 'json-array', compression: null });
});
