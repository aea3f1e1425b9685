import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { DeployedStack } from '../support/deployed-stack.ts';
import { expectExact } from '../support/expect-exact.ts';
import { csvExport, jsonArrayExport, jsonLinesExport } from '../support/traffic-exports.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

describe('a compressed export', () => {
  it('in CSV, of two members, comes through with an exact account', async () => {
    const truth = csvExport(1_000);
    const middle = truth.text.length / 2;
    const object = Buffer.concat([truth.text.slice(0, middle), truth.text.slice(middle)].map((part) => gzipSync(part)));
    const { fileId } = await stack.drop(`traffic/${truth.prefix}.csv.gz`, object);
    const manifest = await expectExact(stack, fileId, truth, object);
    expect(manifest).toMatchObject({ format: 'csv', encoding: 'utf-8', compression: 'gzip' });
    expect(await stack.archived(manifest.archive.source_key ?? '')).toEqual(object);
  });

  it('in JSON Lines comes through with an exact account, whatever its name', async () => {
    const truth = jsonLinesExport(500);
    const object = gzipSync(truth.text);
    const { fileId } = await stack.drop(`traffic/${truth.prefix}.dat`, object);
    expect(await expectExact(stack, fileId, truth, object)).toMatchObject({ format: 'jsonl', compression: 'gzip' });
  });

  it('that was not copied whole is failed with a sentence, and nothing of it is sent', async () => {
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

it('an export as a JSON array comes through with an exact account', async () => {
  const truth = jsonArrayExport(500);
  const { fileId } = await stack.drop(`traffic/${randomUUID()}.json`, truth.text);
  expect(await expectExact(stack, fileId, truth)).toMatchObject({ format: 'json-array', compression: null });
});
