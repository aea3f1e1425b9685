import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { CutLimits } from '../core/records/dialect.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import { AlteredMessageError } from '../core/errors.ts';
import { fileIdOf } from '../core/account/file-id.ts';
import type { ContinueMessage, ReemitMessage } from '../messages.ts';
import type { BatchLedger, BundleLedger, BundleStore, InFlightMessages } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { InTurn } from '../runtime/in-turn.ts';
import { oneAfterTheOther } from '../runtime/in-turn.ts';
import type { HandledMessage } from '../runtime/partial-batch.ts';
import { handleEach, parseBody } from '../runtime/partial-batch.ts';
import type { Waiting } from '../runtime/put-back.ts';
import type { Shutdown } from '../runtime/shutdown.ts';
import { parseIntakeMessage } from '../intake-message.ts';
import { noteControl } from './note-control.ts';
import { reemitBatches } from './reemit-batches.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { SmallFiles } from './small-files.ts';
import { splitFile } from './split-file.ts';
import { withHead } from './with-head.ts';

export interface SplitterDeps extends SplitterPorts {
  shutdown: Shutdown;
  ledger: SplitterPorts['ledger'] & BatchLedger & BundleLedger;
  inFlight: InFlightMessages;
  waiting: Waiting;
  lane: string;
  limits: CutLimits;
  /** Set for a feed with many small files. */
  bundles?: BundleStore;
}

interface Invocation extends SplitterDeps {
  small: SmallFiles | undefined;
  /** Files that are not small are handled one at a time, with all of the invocation's memory and time. */
  inTurn: InTurn;
}

/** More messages than this are worth fewer requests; what is dropped now and then comes back sooner after a kill. */
const fewMessages = 10;

/** Handles S3 events, continuations and requests to send batches again, and splits the files. */
export function createSplitterHandler(deps: SplitterDeps) {
  return (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const { bundles } = deps;
    const small = bundles && new SmallFiles(event.Records.flatMap(droppedIn), { ...deps, bundles });
    const invocation: Invocation = { ...deps, small, inTurn: oneAfterTheOther() };
    return handleEach({
      event,
      context,
      shutdown: deps.shutdown,
      log: deps.log,
      inFlight: () => deps.inFlight,
      waiting: deps.waiting,
      keepsTimeouts: small !== undefined && event.Records.length > fewMessages,
      handle: (record, deadline) => handleMessage(record, invocation, deadline),
    });
  };
}

/** A message that is not ours is reported when it is handled. */
function droppedIn(record: SQSRecord): SourceObject[] {
  try {
    const message = parseIntakeMessage(parseBody(record));
    return message.kind === 'dropped' ? message.sources.filter((source) => !isFolder(source)) : [];
  } catch {
    return [];
  }
}

async function handleMessage(record: SQSRecord, invocation: Invocation, deadline: Deadline): Promise<HandledMessage> {
  const { inTurn, clock } = invocation;
  const message = parseIntakeMessage(parseBody(record));
  if (message.kind === 'test') return;
  if (message.kind !== 'dropped') await refuseOtherFeed(message, invocation);
  if (message.kind === 'continue') {
    return inTurn(() => splitFile(message.fileId, undefined, invocation, deadline));
  }
  if (message.kind === 'reemit') return inTurn(() => reemitBatches(message, invocation, deadline));
  let backAtMs = -Infinity;
  for (const source of message.sources) {
    if (isFolder(source) || (await noteControl(source, invocation))) continue;
    const bundling = (await invocation.small?.bundle(source, deadline)) ?? { kind: 'ordinary' };
    if (bundling.kind === 'ordinary') await inTurn(() => splitDropped(source, invocation, deadline));
    if (bundling.kind === 'pending') backAtMs = Math.max(backAtMs, bundling.untilMs);
  }
  // If the other splitter was killed, this message may be the only one left for the file.
  if (backAtMs > -Infinity) return { backAfterSeconds: Math.max(1, Math.ceil((backAtMs - clock.now()) / 1000)) };
}

/** Called before the file is claimed. @throws AlteredMessageError if the message is about another feed's file */
async function refuseOtherFeed(
  { kind, feed, fileId }: ContinueMessage | ReemitMessage,
  { ledger, feed: own }: SplitterDeps,
): Promise<void> {
  const file = await ledger.getFile(fileId);
  if (feed === own.name && (file?.feed ?? feed) === feed) return;
  throw new AlteredMessageError(`A message '${kind}' about the file ${fileId} came to the splitter of another feed.`);
}

/** A folder made in the console is an empty object whose key ends in a slash. */
function isFolder({ key, sizeBytes }: SourceObject): boolean {
  return key.endsWith('/') && sizeBytes === 0;
}

async function splitDropped(seen: SourceObject, deps: SplitterDeps, deadline: Deadline): Promise<void> {
  const source = await withHead(seen, deps.sources);
  const fileId = fileIdOf(deps.feed.name, source);
  const { feed, lane, limits } = deps;
  const create = { fileId, feed: feed.name, lane, source, limits, messageKey: deps.newMessageKey() };
  await splitFile(fileId, create, deps, deadline);
}
