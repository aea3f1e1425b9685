import type { FileAccount } from '../core/account/file-account.ts';
import type { GoodRecord, PreparedRecord } from '../core/records/prepare-record.ts';
import type { EarlierVersions } from '../core/series/revision-plan.ts';
import { supersededIds } from '../core/series/revision-plan.ts';
import type { SinkRequest } from '../ports.ts';

/** What the sink gets for a record in addition to its payload. */
export function sinkRequestOf(
  place: Pick<PreparedRecord, 'sha256' | 'record' | 'offset' | 'source'>,
  { requestId, json, identity }: Pick<GoodRecord, 'requestId' | 'json' | 'identity'>,
  file: FileAccount,
  earlier?: EarlierVersions,
): SinkRequest {
  const { fileId } = file;
  const { sha256, record, offset } = place;
  const source = place.source ?? file.source;
  const fileSha256 = place.source ? sha256 : (file.sha256 ?? '');
  const supersedes = earlier && { supersedes: supersededIds(identity, earlier) };
  return {
    requestId,
    ...supersedes,
    json,
    origin: { identity, sha256, fileId, fileSha256, source, record, offset },
  };
}
