import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { requestIdOf, sha256Of } from '../../lambdas/core/records/identity.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { DeployedStack } from './deployed-stack.ts';
import { waitFor } from './deployed-stack.ts';

/** A file whose rows are long: many bytes to hash and cut, few records for the API. All of them are valid. */
export interface WideExport {
  prefix: string;
  bytes: Buffer;
  sha256: string;
  spots: { spot_id: string; station: string; airtime: string; duration_sec: number; advertiser: string }[];
}

/** @param note fills each row up to about `rowBytes`, with commas and line breaks inside its quotes */
export function wideExport(rows: number, rowBytes: number): WideExport {
  const prefix = `W${randomUUID().slice(0, 8)}`;
  const spots: WideExport['spots'] = [];
  const lines = ['SpotID,StationCode,AirDateTime,Duration,ClientName,Notes'];
  for (let number = 1; number <= rows; number++) {
    const [spot_id, airtime] = [`${prefix}-${number}`, `2026-11-24 ${number % 24}:00:00`];
    spots.push({ spot_id, station: 'WABC', airtime, duration_sec: 30, advertiser: 'Müller & Söhne' });
    // Rows of different lengths: a wrong restart can not find a batch's end by chance.
    const note = `a ""note"",\r\nof ${number} `.repeat(Math.max(1, Math.floor((rowBytes - 80 + (number % 17)) / 20)));
    lines.push(`${spot_id},WABC,${airtime},30,Müller & Söhne,"${note}"`);
  }
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  return { prefix, bytes, sha256: sha256Of(bytes), spots };
}

/** The account against the truth: manifest, receipts and the API's own log, each for itself. */
export async function expectUploadedOnce(stack: DeployedStack, fileId: string, truth: WideExport): Promise<Manifest> {
  // A function that runs out of time on a busy machine comes back, but not before a minute has passed.
  await waitFor(`the account of ${fileId}`, async () => (await stack.ledger.getFile(fileId))?.manifest, 300_000);
  const manifest = await stack.manifestOf(fileId);
  const total = truth.spots.length;
  const none = { duplicate_records: 0, rejected_records: 0, refused_records: 0, exhausted_records: 0, held_records: 0 };
  expect(manifest).toMatchObject({
    ...none,
    state: 'completed',
    total_records: total,
    uploaded_records: total,
    reconciled: true,
    checksum: truth.sha256,
    bytes: truth.bytes.length,
  });

  const wanted = truth.spots.map((spot) =>
    JSON.stringify([requestIdOf([spot.spot_id, spot.airtime], truth.sha256), spot]),
  );
  const stored = await stack.stored(truth.prefix);
  expect(stored.map(({ requestId, spot }) => JSON.stringify([requestId, spot])).sort()).toEqual(wanted.sort());

  const receipts = await stack.receiptsOf(manifest);
  expect(receipts.map(({ record }) => record)).toEqual(truth.spots.map((_, index) => index + 1));
  for (const { record, offset, length, sha256, outcome } of receipts) {
    const isRight = outcome === 'uploaded' && sha256Of(truth.bytes.subarray(offset, offset + length)) === sha256;
    if (!isRight) expect.fail(`the receipt of record ${record}`);
  }
  return manifest;
}
