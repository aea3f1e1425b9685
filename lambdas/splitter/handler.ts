import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { CutLimits } from '../core/records/dialect.ts';
import type { SourceObject } from '../core/file-account.ts';
import { fileIdOf } from '../core/identity.ts';
import type { BatchLedger, InFlightMessages } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { handleEach, parseBody } from '../runtime/partial-batch.ts';
import type { Shutdown } from '../runtime/shutdown.ts';
import { parseIntakeMessage } from './intake-message.ts';
import { reemitBatches } from './reemit-batches.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { splitFile } from './split-file.ts';

export interface SplitterDeps extends SplitterPorts {
  shutdown: Shutdown;
  ledger: SplitterPorts['ledger'] & BatchLedger;
  inFlight: InFlightMessages;
  lane: string;
  limits: CutLimits;
}

/** S3 events, continuations and orders to send batches again: files get split. */
export function createSplitterHandler(deps: SplitterDeps) {
  return (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
    handleEach({
      event,
      context,
      shutdown: deps.shutdown,
      log: deps.log,
      inFlight: () => deps.inFlight,
      handle: (record, deadline) => handleMessage(record, deps, deadline),
    });
}

async function handleMessage(record: SQSRecord, deps: SplitterDeps, deadline: Deadline): Promise<void> {
  const message = parseIntakeMessage(parseBody(record));
  if (message.kind === 'test') return;
  if (message.kind === 'continue') return splitFile(message.fileId, undefined, deps, deadline);
  if (message.kind === 'reemit') return reemitBatches(message, deps, deadline);
  for (const source of message.sources) await splitDropped(source, deps, deadline);
}

async function splitDropped(seen: SourceObject, deps: SplitterDeps, deadline: Deadline): Promise<void> {
  // A folder made in the console is an object too, of no bytes and with a key that ends in a slash.
  if (seen.key.endsWith('/') && seen.sizeBytes === 0) return;
  const source = await withHead(seen, deps);
  const fileId = fileIdOf(source);
  const create = { fileId, feed: deps.feed.name, lane: deps.lane, source, limits: deps.limits };
  await splitFile(fileId, create, deps, deadline);
}

/** Events of old or foreign senders lack the size or the ETag. */
async function withHead(seen: SourceObject, deps: SplitterDeps): Promise<SourceObject> {
  if (seen.etag !== '' && seen.sizeBytes >= 0) return seen;
  const head = await deps.sources.head(seen);
  if (!head) throw new Error(`s3://${seen.bucket}/${seen.key} was announced but is not there.`);
  return { ...seen, ...head };
}
