import type { Feed } from '../../feeds/feed.ts';
import { ContradictionError } from '../core/errors.ts';
import type { FileAccount } from '../core/file-account.ts';
import type { PreparedRecord } from '../core/prepare-record.ts';
import { prepareRecord, rejected } from '../core/prepare-record.ts';
import { cutSlice } from '../core/records/cut-slice.ts';
import { decodeBody } from '../core/records/slice-body.ts';
import type { BatchMessage, OversizeMessage } from '../messages.ts';

/** A batch's records, hashed and validated. @throws ContradictionError where they are not those that the splitter counted */
export function prepareBatch(message: BatchMessage, feed: Feed, file: FileAccount): PreparedRecord[] {
  const { dialect, sha256 } = file;
  if (!dialect || sha256 === undefined) throw new ContradictionError(`The file ${file.fileId} has not been read.`);
  if (message.kind === 'oversize') return [oversizeRecord(message, file.limits.maxRecordBytes, feed)];
  const { offset, firstRecord, firstLine, encoding, body } = message;
  const slice = { offset, firstRecord, firstLine, bytes: decodeBody({ encoding, body }) };
  const cuts = cutSlice(slice, dialect, file.limits);
  if (cuts.length !== message.records) {
    throw new ContradictionError(
      `Batch ${message.batch} of the file ${file.fileId} was sent as ${message.records} records, but cuts into ${cuts.length}.`,
    );
  }
  return cuts.map((cut) => prepareRecord(cut, feed, dialect, sha256));
}

function oversizeRecord(message: OversizeMessage, maxRecordBytes: number, feed: Feed): PreparedRecord {
  return {
    record: message.firstRecord,
    line: message.firstLine,
    offset: message.offset,
    length: message.length,
    sha256: message.sha256,
    bytes: Buffer.from(message.head, 'base64'),
    ...rejected(
      {
        reason: 'too_long',
        field: null,
        message: `record is ${message.length} bytes long; the feed takes ${maxRecordBytes} at most`,
      },
      undefined,
      feed,
    ),
  };
}
