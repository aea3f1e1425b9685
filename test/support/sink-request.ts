import { randomUUID } from 'node:crypto';
import type { RecordOrigin, SinkRequest } from '../../lambdas/ports.ts';

/** A request as an API sees it. */
export type ReadRequest = SinkRequest & { payload: Record<string, unknown> };

export const readRequest = (request: SinkRequest): ReadRequest => ({
  ...request,
  payload: JSON.parse(request.json) as Record<string, unknown>,
});

/** A record to send to a sink, different from all others except for the given fields. */
export function sinkRequest({
  origin,
  payload,
  ...change
}: Partial<Omit<SinkRequest, 'origin' | 'json'>> & {
  origin?: Partial<RecordOrigin>;
  payload?: Record<string, unknown>;
} = {}): SinkRequest {
  const id = randomUUID();
  return {
    requestId: id,
    json: JSON.stringify(payload ?? { record_id: id }),
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
