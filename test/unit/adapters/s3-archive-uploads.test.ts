import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { S3ArchiveUploads } from '../../../lambdas/adapters/s3-archive-uploads.ts';
import { UploadGoneError } from '../../../lambdas/core/errors.ts';

const failure = (name: string, httpStatusCode: number) =>
  Object.assign(new Error(name), { name, $fault: 'client', $metadata: { httpStatusCode } });
const upload = { key: 'receipts', id: 'u' };
const base64Of = (text: string | Buffer) => createHash('sha256').update(text).digest('base64');

/** S3 that gives this answer to every call. */
function uploadsWith(answer: object) {
  const sent: unknown[] = [];
  const send = async (command: { input: unknown }) => {
    sent.push(command.input);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { uploads: new S3ArchiveUploads({ send } as unknown as S3Client, 'archive'), sent };
}

describe('uploads in parts', () => {
  it('have each part’s SHA-256 checked by S3, and are completed only if there is no object', async () => {
    const { uploads, sent } = uploadsWith({ ETag: '"e"' });
    const part = await uploads.putPart(upload, 1, Buffer.from('part'));
    expect(part).toEqual({ etag: '"e"', sha256: base64Of('part') });
    await uploads.complete(upload, [part]);
    expect(sent).toMatchObject([
      { PartNumber: 1, ChecksumSHA256: base64Of('part') },
      {
        IfNoneMatch: '*',
        MultipartUpload: { Parts: [{ ETag: '"e"', PartNumber: 1, ChecksumSHA256: base64Of('part') }] },
      },
    ]);
  });

  it.each(['NoSuchUpload', 'InvalidPart', 'InvalidPartOrder'])('are gone if S3 answers %s', async (name) => {
    const { uploads } = uploadsWith(failure(name, name === 'NoSuchUpload' ? 404 : 400));
    await expect(uploads.putPart(upload, 1, Buffer.from('part'))).rejects.toThrow(UploadGoneError);
    await expect(uploads.complete(upload, [])).rejects.toThrow(UploadGoneError);
  });

  it('report an object that is there, and a source that is not', async () => {
    expect(await uploadsWith(failure('PreconditionFailed', 412)).uploads.complete(upload, [])).toBe('exists');
    const source = { bucket: 'intake', key: 'a', etag: '"e"', sizeBytes: 5 };
    const gone = uploadsWith(failure('NoSuchKey', 404)).uploads;
    expect(await gone.copyPart(upload, 1, source, { from: 0, last: 4 })).toBeUndefined();
  });

  it('are recognised by the checksum that S3 keeps of all parts', async () => {
    const parts = ['a', 'b'].map((text) => ({ etag: '', sha256: base64Of(text) }));
    const all = base64Of(Buffer.concat(parts.map(({ sha256 }) => Buffer.from(sha256, 'base64'))));
    expect(await uploadsWith({ ChecksumSHA256: `${all}-2` }).uploads.isMadeOf('receipts', parts)).toBe(true);
    expect(await uploadsWith({ ChecksumSHA256: `${all}-3` }).uploads.isMadeOf('receipts', parts)).toBe(false);
    expect(await uploadsWith({}).uploads.isMadeOf('receipts', parts)).toBe(false);
  });
});
