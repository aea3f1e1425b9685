import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { InterruptedError } from '../interrupt.ts';
import type { SourceFile } from './open-source-file.ts';
import { refuseIfChanged } from './open-source-file.ts';

/** S3: parts of 5 MiB to 5 GiB, 10,000 at most (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). */
const mebibyte = 1024 ** 2;
const usualPartBytes = 8 * mebibyte;
const maxParts = 10_000;
const partsAtOnce = 4;

/** Aborting is repeated until S3 says that the upload is gone: a part that was in flight may have arrived later. */
const maxAborts = 5;

export interface UploadRequest {
  client: S3Client;
  bucket: string;
  key: string;
  file: SourceFile;
  signal: AbortSignal;
  /** Called after each part; not for small files. */
  onProgress: (uploadedBytes: number) => void;
}

/** The object's current state in S3. */
export interface UploadedObject {
  etag: string;
  versionId?: string;
}

/**
 * Uploads a file to a bucket, a large one in parts. Not with lib-storage: its abort returns before requests in flight have
 * ended, and can leave parts behind that cost money and are never removed.
 * @throws InterruptedError when the signal fired before the object was there; no part is left behind
 * @throws CliError when the file was written to meanwhile
 */
export async function uploadFile(request: UploadRequest): Promise<UploadedObject> {
  const answer = await (request.file.sizeBytes <= usualPartBytes ? putWhole(request) : putInParts(request));
  const hasVersion = answer.VersionId !== undefined && answer.VersionId !== 'null';
  return { etag: answer.ETag ?? '', ...(hasVersion ? { versionId: answer.VersionId as string } : {}) };
}

export function partBytesFor(sizeBytes: number): number {
  return Math.max(usualPartBytes, Math.ceil(sizeBytes / maxParts / mebibyte) * mebibyte);
}

async function putWhole({ client, bucket, key, file, signal }: UploadRequest) {
  if (signal.aborted) throw new InterruptedError('Interrupted: nothing was dropped.');
  const body = await readAt(file, 0, file.sizeBytes);
  await refuseIfChanged(file);
  // Not aborted by the signal: it takes a moment, and after an abort it would be unknown whether the object exists.
  return client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
}

async function putInParts(request: UploadRequest) {
  const { client, bucket, key, file, signal } = request;
  // S3 checks each part's bytes against this checksum.
  const created = await client.send(
    new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ChecksumAlgorithm: 'CRC32' }),
  );
  const upload = { Bucket: bucket, Key: key, UploadId: created.UploadId };
  try {
    const parts = await sendParts(request, upload);
    await refuseIfChanged(file);
    if (signal.aborted) throw new InterruptedError('');
    return await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }));
  } catch (error) {
    const gone = await abortUpload(client, upload);
    if (!signal.aborted) throw error;
    throw new InterruptedError(
      gone
        ? 'Interrupted: the upload was aborted and nothing was dropped.'
        : `Interrupted: nothing was dropped, but S3 did not confirm that the upload ${upload.UploadId} of ${key} is gone; the bucket's lifecycle rule removes it.`,
      { cause: error },
    );
  }
}

type MultipartUpload = { Bucket: string; Key: string; UploadId: string | undefined };

/** Uploads several parts at once, each read when its turn comes. Returns them in order. */
async function sendParts(request: UploadRequest, upload: MultipartUpload): Promise<CompletedPart[]> {
  const { client, file, signal, onProgress } = request;
  const partBytes = partBytesFor(file.sizeBytes);
  const count = Math.ceil(file.sizeBytes / partBytes);
  const parts: CompletedPart[] = [];
  let next = 0;
  let uploadedBytes = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    while (next < count && !failed) {
      const index = next++;
      const body = await readAt(file, index * partBytes, Math.min(partBytes, file.sizeBytes - index * partBytes));
      const sent = await client.send(
        new UploadPartCommand({ ...upload, PartNumber: index + 1, Body: body, ChecksumAlgorithm: 'CRC32' }),
        { abortSignal: signal },
      );
      parts[index] = { PartNumber: index + 1, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32 };
      uploadedBytes += body.length;
      onProgress(uploadedBytes);
    }
  };
  const workers = Array.from({ length: partsAtOnce }, () =>
    work().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All of them must have ended before the upload can be aborted.
  const ends = await Promise.allSettled(workers);
  const fault = ends.find((end) => end.status === 'rejected');
  if (fault) throw fault.reason;
  return parts;
}

async function readAt(file: SourceFile, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.handle.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  // The file has become shorter: refused when its size is compared again.
  return buffer.subarray(0, filled);
}

/** Whether S3 says that the upload is gone. Never throws, since another error is already being reported. */
async function abortUpload(client: S3Client, upload: MultipartUpload): Promise<boolean> {
  for (let tries = 0; tries < maxAborts; tries++) {
    try {
      await client.send(new AbortMultipartUploadCommand(upload));
      await client.send(new ListPartsCommand(upload));
    } catch (error) {
      if (error instanceof Error && error.name === 'NoSuchUpload') return true;
    }
  }
  return false;
}
