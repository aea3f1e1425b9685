import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { SourceChangedError } from '../core/errors.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import type { Clock, ObjectHead, SourceObjects } from '../ports.ts';

/** Bytes per GET. Large enough that the cost of requests is negligible, small enough that a broken one loses little. */
const partBytes = 64 * 1024 * 1024;

/** Chunks are at least this long, except the last of a part: sockets return 64 KiB at a time. */
const chunkBytes = 1024 * 1024;

/** Consecutive broken reads without a byte of progress before reading fails. */
const maxBreaks = 5;

export class S3SourceObjects implements SourceObjects {
  readonly #client: S3Client;
  readonly #clock: Pick<Clock, 'sleep'>;

  constructor(client: S3Client, clock: Pick<Clock, 'sleep'>) {
    this.#client = client;
    this.#clock = clock;
  }

  async head(source: { bucket: string; key: string; versionId?: string }): Promise<ObjectHead | undefined> {
    try {
      const head = await this.#client.send(
        new HeadObjectCommand({
          Bucket: source.bucket,
          Key: source.key,
          ...(source.versionId === undefined ? {} : { VersionId: source.versionId }),
        }),
      );
      return {
        etag: head.ETag ?? '',
        sizeBytes: head.ContentLength ?? 0,
        ...(head.LastModified === undefined ? {} : { modifiedAt: head.LastModified.getTime() }),
        ...(head.VersionId === undefined || head.VersionId === 'null' ? {} : { versionId: head.VersionId }),
      };
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  async *read(source: SourceObject, offset: number, signal?: AbortSignal): AsyncGenerator<Buffer> {
    let position = offset;
    let breaks = 0;
    while (position < source.sizeBytes) {
      const before = position;
      try {
        for await (const chunk of this.#readPart(source, position, signal)) {
          position += chunk.length;
          yield chunk;
        }
        if (position === before) throw new Error('the part was empty');
        breaks = 0;
      } catch (error) {
        if (error instanceof SourceChangedError || signal?.aborted) throw error;
        breaks = position > before ? 1 : breaks + 1;
        if (breaks >= maxBreaks) {
          throw new Error(`Reading s3://${source.bucket}/${source.key} broke ${breaks} times at byte ${position}.`, {
            cause: error,
          });
        }
        await this.#clock.sleep(100 * 2 ** breaks, signal);
      }
    }
  }

  async *#readPart(source: SourceObject, from: number, signal?: AbortSignal): AsyncGenerator<Buffer> {
    const last = Math.min(from + partBytes, source.sizeBytes) - 1;
    const response = await this.#get(source, from, last, signal);
    const body = response.Body as Readable;
    try {
      yield* inLargeChunks(body, bytesBefore(source, response, from, last));
    } finally {
      body.destroy();
    }
  }

  async #get(source: SourceObject, from: number, last: number, signal?: AbortSignal): Promise<GetObjectCommandOutput> {
    try {
      return await this.#client.send(
        new GetObjectCommand({
          Bucket: source.bucket,
          Key: source.key,
          Range: `bytes=${from}-${last}`,
          IfMatch: source.etag,
          ...(source.versionId === undefined ? {} : { VersionId: source.versionId }),
        }),
        signal ? { abortSignal: signal } : {},
      );
    } catch (error) {
      if (isGone(error) || statusOf(error) === 412) {
        throw new SourceChangedError(`s3://${source.bucket}/${source.key} is no longer the object that was dropped.`, {
          cause: error,
        });
      }
      throw error;
    }
  }
}

/**
 * How many bytes of the response precede the requested ones. None on S3; on an endpoint that ignores `Range` together with
 * `VersionId` and answers with the whole object, all that precede them (the object is then read to its end).
 */
function bytesBefore(source: SourceObject, response: GetObjectCommandOutput, from: number, last: number): number {
  const range = response.ContentRange;
  if (range === undefined && response.ContentLength === source.sizeBytes) return from;
  if (range === `bytes ${from}-${last}/${source.sizeBytes}`) return 0;
  throw new SourceChangedError(`Asked for bytes ${from}-${last} of ${source.sizeBytes}, got '${range ?? 'no range'}'.`);
}

async function* inLargeChunks(body: Readable, skip: number): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = [];
  let bytes = 0;
  let toSkip = skip;
  for await (const piece of body) {
    let chunk = piece as Buffer;
    if (toSkip > 0) {
      const skipped = Math.min(toSkip, chunk.length);
      toSkip -= skipped;
      chunk = chunk.subarray(skipped);
    }
    gathered.push(chunk);
    bytes += chunk.length;
    if (bytes >= chunkBytes) {
      yield Buffer.concat(gathered, bytes);
      gathered = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(gathered, bytes);
}

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } }).$metadata;
  return metadata?.httpStatusCode;
}

function isGone(error: unknown): boolean {
  // S3 answers 405 for a version that is a delete marker.
  return statusOf(error) === 404 || statusOf(error) === 405;
}
