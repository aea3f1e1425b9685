import type { FileAccount } from '../core/file-account.ts';
import type { GoodRecord, PreparedRecord } from '../core/prepare-record.ts';
import type { SinkRequest } from '../ports.ts';

/** What the sink is told of a record beside its payload. */
export function sinkRequestOf(
  place: Pick<PreparedRecord, 'sha256' | 'record' | 'offset'>,
  { requestId, payload, identity }: Omit<GoodRecord, 'kind'>,
  { fileId, sha256: fileSha256 = '', source: { bucket, key, versionId } }: FileAccount,
): SinkRequest {
  const { sha256, record, offset } = place;
  const source = { bucket, key, ...(versionId === undefined ? {} : { versionId }) };
  return { requestId, payload, origin: { identity, sha256, fileId, fileSha256, source, record, offset } };
}
