import { createHash, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { DeployedStack } from '../support/deployed-stack.ts';
import { expectExact } from '../support/expect-exact.ts';
import { expectVerified } from '../support/expect-verified.ts';
import { csvExport, header, jsonLinesExport } from '../support/traffic-exports.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

describe('an export', () => {
  it('in CSV is processed with an exact account', async () => {
    const truth = csvExport(2_500);
    const throttles = await stack.throttles();
    const { fileId } = await stack.drop(`traffic/log ${truth.prefix}+%ü.csv`, truth.text);
    const manifest = await expectExact(stack, fileId, truth);
    expect(await stack.throttles()).toBe(throttles);
    expect((await stack.archived(manifest.archive.source_key ?? '')).toString()).toBe(truth.text);
  });

  it('in JSON Lines is processed with an exact account', async () => {
    const truth = jsonLinesExport(1_000);
    const { fileId } = await stack.drop(`traffic/${truth.prefix}.jsonl`, truth.text);
    await expectExact(stack, fileId, truth);
  });

  it('dropped together with another one is processed, and so is the other', async () => {
    const [first, second] = [csvExport(1_200), jsonLinesExport(1_200)];
    const dropped = await Promise.all([
      stack.drop(`traffic/${first.prefix}.csv`, first.text),
      stack.drop(`traffic/${second.prefix}.jsonl`, second.text),
    ]);
    await expectExact(stack, dropped[0].fileId, first);
    await expectExact(stack, dropped[1].fileId, second);
  });

  it('announced twice is uploaded once', async () => {
    const truth = csvExport(600);
    const { fileId, key, versionId } = await stack.drop(`traffic/${truth.prefix}.csv`, truth.text);
    const etag = createHash('md5').update(truth.text).digest('hex');
    const again = {
      Records: [
        {
          eventName: 'ObjectCreated:Put',
          s3: {
            bucket: { name: stack.output('IntakeBucketName') },
            object: { key, versionId, eTag: etag, size: Buffer.byteLength(truth.text), sequencer: '0' },
          },
        },
      ],
    };
    await stack.send('TrafficIntakeQueueUrl', JSON.stringify(again));
    await expectExact(stack, fileId, truth);
    await stack.send('TrafficIntakeQueueUrl', JSON.stringify(again));
    await expect.poll(() => stack.depth('TrafficIntakeQueueUrl'), { timeout: 60_000, interval: 500 }).toBe(0);
    expect((await stack.ledger.getFile(fileId))?.manifest?.number).toBe(1);
  });

  it('dropped twice is sent once; the second has a manifest that names the first', async () => {
    const truth = csvExport(300);
    const first = await stack.drop(`traffic/${truth.prefix}.csv`, truth.text);
    await expectExact(stack, first.fileId, truth);
    const second = await stack.drop(`traffic/${truth.prefix}.csv`, truth.text);
    expect(second.fileId).not.toBe(first.fileId);
    expect(await stack.manifestOf(second.fileId)).toMatchObject({
      state: 'duplicate',
      duplicate_of: first.fileId,
      total_records: 0,
      reconciled: true,
    });
  });
});

describe('a file without records', () => {
  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['a header only', () => Buffer.from(`${header},${randomUUID()}\r\n`)],
  ])('(%s) is completed with an account of no records', async (_, text) => {
    const { fileId } = await stack.drop(`traffic/${randomUUID()}.csv`, text());
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({ total_records: 0, reconciled: true, dead_lettered_records: 0 });
    expect(['completed', 'duplicate']).toContain(manifest.state);
  });

  it('fails with an explanation because it is a PDF', async () => {
    const { fileId } = await stack.drop(`traffic/${randomUUID()}.csv`, `%PDF-1.7 ${randomUUID()}`);
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({ state: 'failed', total_records: 0, reconciled: true });
    expect(manifest.failure?.message).toMatch(/PDF/);
  });
});

describe('a dead letter', () => {
  it('that the API accepts when it is redriven amends the account', async () => {
    const prefix = `R${randomUUID().slice(0, 8)}`;
    await stack.setFaults({ refuseSpots: [`${prefix}-1`] });
    const rows = [`${prefix}-1,W,t,30,c,x`, `${prefix}-2,W,t,30,c,x`, `${prefix}-3,W,t,bad,c,x`];
    const { fileId } = await stack.drop(`traffic/${prefix}.csv`, [header, ...rows, ''].join('\n'));
    const first = await stack.manifestOf(fileId);
    expect(first).toMatchObject({ uploaded_records: 1, refused_records: 1, rejected_records: 1, resolved_records: 0 });
    const dead = await stack.takeDeadLetters(fileId, 2);

    // As a console does: each message goes back to its source queue, as it was.
    await stack.setFaults({});
    for (const { message } of dead) await stack.send('TrafficLettersQueueUrl', message.Body ?? '');
    const second = await stack.manifestOf(fileId, 2);
    expect(second).toMatchObject({
      total_records: 3,
      uploaded_records: 2,
      refused_records: 0,
      rejected_records: 1,
      dead_lettered_records: 1,
      resolved_records: 1,
      reconciled: true,
    });
    const back = await stack.takeDeadLetters(fileId, 1);
    expect(back.map(({ letter }) => letter.record)).toEqual([3]);
    expect(JSON.parse((await stack.archived(first.archive.manifest_key)).toString())).toEqual(first);
    for (const manifest of [first, second]) await expectVerified(stack, manifest);
  });
});
