import { createHash, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Of } from '../../lambdas/core/identity.ts';
import type { Manifest } from '../../lambdas/core/manifest.ts';
import { DeployedStack } from '../support/deployed-stack.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName,Agency';

/** Rows of one file, their truth beside them. */
interface Export {
  prefix: string;
  text: string;
  good: { spot_id: string; station: string; airtime: string; duration_sec: number; advertiser: string }[];
  /** By the raw text as it stands in the file. */
  rejected: Map<string, string>;
  refused: string[];
}

const quoted = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** Ten ways to be broken, as they stand in a CSV; and why. */
const brokenRows: ((id: string) => [string, string])[] = [
  (id) => [`${id},WABC,2026-11-24 06:00:00,30s,Acme,x`, 'not_an_integer'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,29.97,Acme,x`, 'not_an_integer'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30.0,Acme,x`, 'not_an_integer'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,,Acme,x`, 'blank'],
  (id) => [`,WABC,2026-11-24 06:00:00,30,Acme ${id},x`, 'blank'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30,   ,x`, 'blank'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30`, 'field_count'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30,Acme,x,surplus`, 'field_count'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30,"Acme,x`, 'unclosed_quote'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30,Ac"me,x`, 'bare_quote'],
];

function csvExport(rows: number): Export {
  const prefix = `C${randomUUID().slice(0, 8)}`;
  const result: Export = { prefix, text: '', good: [], rejected: new Map(), refused: [] };
  const lines = [header];
  for (let number = 1; number <= rows; number++) {
    const id = `${prefix}-${number}`;
    const broken = number % 40 === 0 ? brokenRows[(number / 40) % brokenRows.length] : undefined;
    if (broken) {
      const [raw, why] = broken(id);
      result.rejected.set(raw, why);
      lines.push(raw);
      continue;
    }
    const isRefused = number % 333 === 0;
    const spot = {
      spot_id: isRefused ? `REFUSE-${id}` : id,
      station: ['WABC', 'KTLA', 'WGN'][number % 3] as string,
      airtime: ` 2026-11-24 ${String(number % 24).padStart(2, '0')}:00:00`,
      duration_sec: 15 * (1 + (number % 4)),
      advertiser: ['Joe’s "Best" Pizza, Inc.', 'Müller & Söhne', 'line\r\nbreak', 'plain '][number % 4] as string,
    };
    if (isRefused) result.refused.push(spot.spot_id);
    else result.good.push(spot);
    const { spot_id, station, airtime, duration_sec, advertiser } = spot;
    lines.push([spot_id, station, airtime, ` ${duration_sec} `, quoted(advertiser), 'x'].join(','));
  }
  result.text = `\ufeff${lines.join('\r\n')}\r\n`;
  return result;
}

function jsonLinesExport(rows: number): Export {
  const prefix = `J${randomUUID().slice(0, 8)}`;
  const result: Export = { prefix, text: '', good: [], rejected: new Map(), refused: [] };
  const broken = (id: string): [string, string][] => [
    [`{"SpotID":"${id}","StationCode":"W"`, 'not_json'],
    [`["${id}"]`, 'not_an_object'],
    [`{"SpotID":7,"StationCode":"W","AirDateTime":"${id}","Duration":30,"ClientName":"c"}`, 'wrong_type'],
    [`{"SpotID":"${id}","StationCode":"W","AirDateTime":"t","Duration":30.0,"ClientName":"c"}`, 'not_an_integer'],
    [`{"SpotID":"${id}","StationCode":"W","AirDateTime":"t","Duration":true,"ClientName":"c"}`, 'wrong_type'],
    [`{"SpotID":"${id}","StationCode":"W","Duration":30,"ClientName":"c"}`, 'missing'],
  ];
  const lines: string[] = [];
  for (let number = 1; number <= rows; number++) {
    const id = `${prefix}-${number}`;
    if (number % 25 === 0) {
      const kinds = broken(id);
      const [raw, why] = kinds[(number / 25) % kinds.length] as [string, string];
      result.rejected.set(raw, why);
      lines.push(raw);
      continue;
    }
    const duration = number % 2 === 0 ? 30 : '30';
    const row = {
      ClientName: 'Zoë \u2028 🎺',
      SpotID: id,
      StationCode: 'WABC',
      AirDateTime: 't',
      Duration: duration,
      Extra: null,
    };
    lines.push(JSON.stringify(row));
    result.good.push({ spot_id: id, station: 'WABC', airtime: 't', duration_sec: 30, advertiser: row.ClientName });
  }
  result.text = `${lines.join('\n')}\n`;
  return result;
}

/** The account against the truth: manifest, receipts, API and DLQ, each for itself. */
async function expectExact(fileId: string, truth: Export): Promise<Manifest> {
  const manifest = await stack.manifestOf(fileId);
  const total = truth.good.length + truth.rejected.size + truth.refused.length;
  const checksum = createHash('sha256').update(truth.text).digest('hex');
  expect(manifest).toMatchObject({
    state: 'completed',
    total_records: total,
    valid_records: total - truth.rejected.size,
    uploaded_records: truth.good.length,
    duplicate_records: 0,
    rejected_records: truth.rejected.size,
    refused_records: truth.refused.length,
    exhausted_records: 0,
    held_records: 0,
    dead_lettered_records: truth.rejected.size + truth.refused.length,
    resolved_records: 0,
    reconciled: true,
    checksum,
    bytes: Buffer.byteLength(truth.text),
  });

  const stored = await stack.stored(truth.prefix);
  const bySpot = (a: { spot_id: unknown }, b: { spot_id: unknown }) => (String(a.spot_id) < String(b.spot_id) ? -1 : 1);
  expect(stored.map((entry) => entry.spot as { spot_id: unknown }).sort(bySpot)).toEqual([...truth.good].sort(bySpot));
  for (const { requestId, spot } of stored) {
    expect(requestId).toBe(sha256Of(Buffer.from(JSON.stringify([spot['spot_id'], spot['airtime'], checksum]))));
  }

  const file = Buffer.from(truth.text);
  const receipts = await stack.receiptsOf(manifest);
  expect(receipts.map((receipt) => receipt.record)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
  for (const receipt of receipts) {
    expect(sha256Of(file.subarray(receipt.offset, receipt.offset + receipt.length))).toBe(receipt.sha256);
  }

  const dead = await stack.takeDeadLetters(fileId, truth.rejected.size + truth.refused.length);
  const reasons = new Map(dead.map(({ letter }) => [letter.raw_payload, letter.reason]));
  for (const [raw, why] of truth.rejected) expect(reasons.get(raw), raw).toBe(why);
  expect(dead).toHaveLength(truth.rejected.size + truth.refused.length);
  for (const { letter, message } of dead) {
    // SQS moved it there: only then does the console's redrive know where it belongs.
    expect(message.Attributes?.['DeadLetterQueueSourceArn']).toMatch(/-letters$/);
    expect(file.subarray(letter.offset, letter.offset + letter.length).toString()).toBe(letter.raw_payload);
  }
  return manifest;
}

describe('an export', () => {
  it('in CSV comes through with an exact account', async () => {
    const truth = csvExport(2_500);
    const throttles = await stack.throttles();
    const { fileId } = await stack.drop(`traffic/log ${truth.prefix}+%ü.csv`, truth.text);
    const manifest = await expectExact(fileId, truth);
    expect(await stack.throttles()).toBe(throttles);
    expect((await stack.archived(manifest.archive.source_key ?? '')).toString()).toBe(truth.text);
  });

  it('in JSON Lines comes through with an exact account', async () => {
    const truth = jsonLinesExport(1_000);
    const { fileId } = await stack.drop(`traffic/${truth.prefix}.jsonl`, truth.text);
    await expectExact(fileId, truth);
  });

  it('dropped together with another one comes through, and so does the other', async () => {
    const [first, second] = [csvExport(1_200), jsonLinesExport(1_200)];
    const dropped = await Promise.all([
      stack.drop(`traffic/${first.prefix}.csv`, first.text),
      stack.drop(`traffic/${second.prefix}.jsonl`, second.text),
    ]);
    await expectExact(dropped[0].fileId, first);
    await expectExact(dropped[1].fileId, second);
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
    await expectExact(fileId, truth);
    await stack.send('TrafficIntakeQueueUrl', JSON.stringify(again));
    await expect.poll(() => stack.depth('TrafficIntakeQueueUrl'), { timeout: 60_000, interval: 500 }).toBe(0);
    expect((await stack.ledger.getFile(fileId))?.manifest?.number).toBe(1);
  });

  it('dropped twice is sent once; the second has a manifest that names the first', async () => {
    const truth = csvExport(300);
    const first = await stack.drop(`traffic/${truth.prefix}.csv`, truth.text);
    await expectExact(first.fileId, truth);
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
  ])('(%s) is completed with an account of nothing', async (_, text) => {
    const { fileId } = await stack.drop(`traffic/${randomUUID()}.csv`, text());
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({ total_records: 0, reconciled: true, dead_lettered_records: 0 });
    expect(['completed', 'duplicate']).toContain(manifest.state);
  });

  it('because it is a PDF fails with a sentence', async () => {
    const { fileId } = await stack.drop(`traffic/${randomUUID()}.csv`, `%PDF-1.7 ${randomUUID()}`);
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({ state: 'failed', total_records: 0, reconciled: true });
    expect(manifest.failure?.message).toMatch(/PDF/);
  });
});

describe('a dead letter', () => {
  it('that is redriven when the API has changed its mind amends the account', async () => {
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
  });
});
