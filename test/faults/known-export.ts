import { randomUUID } from 'node:crypto';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { AvionExportOptions, ExportRow, SpotPayload } from '../support/avion-export.ts';
import { avionChunks } from '../support/avion-export.ts';
import type { DeployedStack, Dropped } from '../support/deployed-stack.ts';

/** A file and what must become of each of its rows. */
export interface KnownExport {
  bytes: Buffer;
  checksum: string;
  rows: number;
  /** How the ids of its spots begin, and no other file's. */
  prefix: string;
  valid: SpotPayload[];
  /** Record number → why it must be in the DLQ. */
  dead: Map<number, { outcome: 'rejected' | 'refused' | 'exhausted'; reason: string }>;
  /** Of the valid ones. */
  recordOf: Map<SpotPayload, number>;
}

/** Valid spots, one after the other, that the API always answers in this way: they end in the DLQ. @returns their ids */
export function takeForPoison(
  truth: KnownExport,
  { from, spots, ...end }: { from: number; spots: number; outcome: 'refused' | 'exhausted'; reason: string },
): string[] {
  const taken = truth.valid.splice(from, spots);
  for (const spot of taken) truth.dead.set(truth.recordOf.get(spot) ?? 0, end);
  return taken.map(({ spot_id: id }) => id);
}

/** Some invalid rows, and three that the API refuses. */
export function makeExport(rows: number, seed: number): KnownExport {
  const options: AvionExportOptions = { rows, format: 'csv', seed, brokenShare: 0.01, refused: 3 };
  const valid: SpotPayload[] = [];
  const dead: KnownExport['dead'] = new Map();
  const recordOf: KnownExport['recordOf'] = new Map();
  const note = ({ record, truth }: ExportRow): void => {
    if (truth.kind === 'valid') {
      valid.push(truth.payload);
      recordOf.set(truth.payload, record);
    } else if (truth.kind === 'refused') dead.set(record, { outcome: 'refused', reason: 'http_422' });
    else dead.set(record, { outcome: 'rejected', reason: truth.reason });
  };
  const bytes = Buffer.concat([...avionChunks(options, note)]);
  return {
    bytes,
    checksum: sha256Of(bytes),
    rows,
    prefix: `SP-${(seed >>> 0).toString(36).toUpperCase()}-`,
    valid,
    dead,
    recordOf,
  };
}

export function dropExport(stack: DeployedStack, { bytes }: KnownExport): Promise<Dropped> {
  return stack.drop(`traffic/${randomUUID()}.csv`, bytes);
}

/** Repeats S3's event: S3 delivers at least once, and out of order. */
export async function announceAgain(stack: DeployedStack, { key, versionId }: Dropped): Promise<void> {
  const bucket = { name: stack.output('IntakeBucketName') };
  // Without size and ETag, which the splitter then asks for.
  const event = { eventName: 'ObjectCreated:Put', s3: { bucket, object: { key, versionId } } };
  await stack.send('TrafficIntakeQueueUrl', JSON.stringify({ Records: [event] }));
}
