import { randomUUID } from 'node:crypto';
import type { RecordOrigin, SinkRequest } from '../../lambdas/ports.ts';

/** A record to send to a sink, different from all others except for the given fields. */
export function sinkRequest({
  origin,
  ...change
}: Partial<Omit<SinkRequest, 'origin'>> & { origin?: Partial<RecordOrigin> } = {}): SinkRequest {
  const id = randomUUID();
  const payload = change.payload ?? { record_id: id };
  return {
    requestId: id,
    payload,
    json: JSON.stringify(payload),
    ...change,
    origin: {
      identity: [id],
      sha256: 'a'.repeat(64),
      fileId: 'f'.repeat(24),
      fileSha256: 'b'.repeat(64),
      source: { bucket: 'intake', key: 'maintenance/a.json', versionId: 'v1' },
      record: 1,
      offset: 0,
      ...origin,
    },
  };
}
