import type { Feed } from '../../../feeds/feed.ts';
import { ContradictionError } from '../errors.ts';
import type { FileAccount } from '../account/file-account.ts';
import { suffixOf } from './identity.ts';
import type { PreparedRecord } from './prepare-record.ts';
import { prepareRecord, rejected } from './prepare-record.ts';
import { cutSlice } from './cut-slice.ts';
import { decodeBody } from './slice-body.ts';
import type { CutBatch, OversizeBatch } from './dialect.ts';
import type { BatchMessage } from '../../messages.ts';

/**
 * A batch's records, hashed and validated.
 * @throws ContradictionError if they are not those that the splitter counted
 */
export function prepareBatch(message: BatchMessage, feed: Feed, file: FileAccount): PreparedRecord[] {
  const batch: CutBatch =
    message.kind === 'oversize'
      ? { ...message, head: Buffer.from(message.head, 'base64') }
      : { ...message, bytes: decodeBody(message) };
  return prepareCut(batch, feed, file);
}

/** The same for a batch that was not sent through the queue. @throws ContradictionError like `prepareBatch` */
export function prepareCut(
  batch: CutBatch,
  feed: Feed,
  file: Pick<FileAccount, 'fileId' | 'dialect' | 'sha256' | 'idsHaveFileId' | 'limits'>,
): PreparedRecord[] {
  const { dialect, sha256 } = file;
  if (!dialect || sha256 === undefined) throw new ContradictionError(`The file ${file.fileId} has not been read.`);
  if (batch.kind === 'oversize') return [oversizeRecord(batch, file.limits.maxRecordBytes, feed)];
  const cuts = cutSlice(batch, dialect, file.limits);
  if (cuts.length !== batch.records) {
    throw new ContradictionError(
      `Batch ${batch.batch} of the file ${file.fileId} was sent as ${batch.records} records, but cuts into ${cuts.length}.`,
    );
  }
  const suffix = suffixOf({ ...file, sha256 });
  return cuts.map((cut) => prepareRecord(cut, feed, dialect, suffix));
}

function oversizeRecord(batch: OversizeBatch, maxRecordBytes: number, feed: Feed): PreparedRecord {
  return {
    record: batch.firstRecord,
    line: batch.firstLine,
    offset: batch.offset,
    length: batch.length,
    sha256: batch.sha256,
    bytes: batch.head,
    ...rejected(
      {
        reason: 'too_long',
        field: null,
        message: `record is ${batch.length} bytes long; the feed allows ${maxRecordBytes}`,
      },
      undefined,
      feed,
    ),
  };
}
