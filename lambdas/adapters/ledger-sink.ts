import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { sha256Of } from '../core/records/identity.ts';
import { plainText } from '../core/plain-text.ts';
import { redactSecrets } from '../core/answers/redact-secrets.ts';
import type { Clock, RecordOrigin, Sink, SinkAnswer, SinkRequest } from '../ports.ts';

export interface LedgerSinkOptions {
  /** Without retries of its own: the caller controls pace and retries. */
  client: DynamoDBClient;
  table: string;
  feed: string;
  clock: Pick<Clock, 'now'>;
}

/**
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html: an item, including its attribute
 * names.
 */
const maxItemBytes = 400 * 1024;
/** The same page: a partition key. */
const maxKeyBytes = 2048;

/** Faults that are not the record's: it waits until an operator has corrected the permissions or the table. */
const accessFaults = [
  'AccessDeniedException',
  'UnrecognizedClientException',
  'ExpiredTokenException',
  'InvalidSignatureException',
  'ResourceNotFoundException',
];
const throttles = ['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded'];

/**
 * One item per record, written once; this code can't overwrite or delete one. The same bytes again are a duplicate;
 * different bytes under the same identity are a conflict, refused with both hashes.
 */
export class LedgerSink implements Sink {
  readonly #options: LedgerSinkOptions;

  constructor(options: LedgerSinkOptions) {
    this.#options = options;
  }

  async deliver(request: SinkRequest, signal: AbortSignal): Promise<SinkAnswer> {
    const { client, table } = this.#options;
    const item = this.#itemOf(request);
    const bytes = bytesOf(item);
    if (bytes > maxItemBytes) {
      const answer = `the record has ${bytes} bytes as an item of the record ledger; the limit is ${maxItemBytes}`;
      return { kind: 'refused', status: 413, answer };
    }
    try {
      await client.send(
        new PutItemCommand({
          TableName: table,
          Item: item,
          ConditionExpression: 'attribute_not_exists(recordKey)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
        { abortSignal: signal },
      );
      return { kind: 'uploaded', status: 201 };
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return answerTo(request.origin, error.Item);
      return failureOf(error);
    }
  }

  #itemOf({ requestId, json, origin }: SinkRequest): Record<string, AttributeValue> {
    const { feed, clock } = this.#options;
    const { identity, sha256, fileId, fileSha256, source, record, offset } = origin;
    return {
      recordKey: { S: recordKeyOf(feed, identity) },
      feed: { S: feed },
      // As text: a number attribute would round numbers of more than 38 digits.
      payload: { S: json },
      payloadSha256: { S: sha256Of(Buffer.from(json)) },
      sha256: { S: sha256 },
      requestId: { S: requestId },
      fileId: { S: fileId },
      fileSha256: { S: fileSha256 },
      sourceBucket: { S: source.bucket },
      sourceKey: { S: source.key },
      ...(source.versionId === undefined ? {} : { sourceVersionId: { S: source.versionId } }),
      record: { N: String(record) },
      offset: { N: String(offset) },
      storedAt: { S: new Date(clock.now()).toISOString() },
    };
  }
}

/** Feed and identity in readable form; an identity that is too long for a key is replaced by a hash. */
export function recordKeyOf(feed: string, identity: readonly string[]): string {
  const text = JSON.stringify(identity);
  const key = `${feed}#${text}`;
  return Buffer.byteLength(key) <= maxKeyBytes ? key : `${feed}#sha256:${sha256Of(Buffer.from(text))}`;
}

function answerTo(origin: RecordOrigin, stored: Record<string, AttributeValue> = {}): SinkAnswer {
  const [sha256, fileId, record] = [stored['sha256']?.S, stored['fileId']?.S, stored['record']?.N];
  if (sha256 === origin.sha256) {
    return { kind: 'duplicate', status: 409, isOurs: fileId === origin.fileId && record === String(origin.record) };
  }
  const answer =
    `conflict: the record ledger has this record with SHA-256 ${sha256 ?? 'unknown'} (file ${fileId ?? 'unknown'}, ` +
    `record ${record ?? 'unknown'}); this one has ${origin.sha256} and was not stored`;
  return { kind: 'refused', status: 409, answer };
}

function failureOf(error: unknown): SinkAnswer {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? null;
  if (accessFaults.includes(name)) return { kind: 'unauthorised', status: status ?? 0, answer: name };
  if (throttles.includes(name)) return { kind: 'failed', status, reason: 'throttled', ambiguous: false };
  if (name === 'AbortError' || name === 'TimeoutError') {
    return { kind: 'failed', status: null, reason: 'time_out', ambiguous: true };
  }
  if (status === null) return { kind: 'failed', status, reason: codeOf(error) ?? 'no_answer', ambiguous: true };
  // The error may have occurred after the item was stored.
  if (status >= 500) return { kind: 'failed', status, reason: `http_${status}`, ambiguous: true };
  return { kind: 'refused', status, answer: plainText(redactSecrets(`${name}: ${message}`, []), 200) };
}

function codeOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code.toLowerCase() : undefined;
}

function bytesOf(item: Record<string, AttributeValue>): number {
  const sizes = Object.entries(item).map(
    ([name, { S, N }]) => Buffer.byteLength(name) + Buffer.byteLength(S ?? N ?? ''),
  );
  return sizes.reduce((sum, each) => sum + each, 0);
}
