import type { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { S3Archive } from '../../../lambdas/adapters/s3-archive.ts';
import { awsFaultOf } from '../../../lambdas/core/aws-fault.ts';

const failure = (name: string, httpStatusCode: number) =>
  Object.assign(new Error(name), { name, $fault: 'client', $metadata: { httpStatusCode } });
const conflict = failure('ConditionalRequestConflict', 409);
const exists = failure('PreconditionFailed', 412);
const missing = failure('NotFound', 404);

/** An archive whose S3 answers so, one call after the other; then all is well. */
function archiveWith(answers: (Error | undefined)[]) {
  const calls: string[] = [];
  const stub = {
    send: async (command: object) => {
      calls.push(command.constructor.name);
      const error = answers.shift();
      if (error) throw error;
      return {};
    },
  };
  return { archive: new S3Archive(stub as unknown as S3Client, 'archive'), calls };
}

describe('a conditional write that meets another one', () => {
  it('is retried, and stored if the other failed', async () => {
    const { archive, calls } = archiveWith([conflict, conflict]);
    expect(await archive.putOnce('key', 'text', 'text/plain')).toBe('stored');
    expect(calls).toEqual(['PutObjectCommand', 'PutObjectCommand', 'PutObjectCommand']);
  });

  it('is retried, and finds what the other has stored', async () => {
    const { archive } = archiveWith([conflict, exists]);
    expect(await archive.putOnce('key', 'text', 'text/plain')).toBe('exists');
  });

  it('is retried if it is a copy', async () => {
    const source = { bucket: 'intake', key: 'a.csv', etag: '"e"', sizeBytes: 5 };
    const first = archiveWith([missing, conflict]);
    expect(await first.archive.copySource(source, 'key')).toEqual({ key: 'key' });
    const second = archiveWith([missing, conflict, exists]);
    expect(await second.archive.copySource(source, 'key')).toEqual({ key: 'key' });
    expect(second.calls).toEqual(['HeadObjectCommand', 'CopyObjectCommand', 'CopyObjectCommand', 'HeadObjectCommand']);
  });

  it('is an AWS fault if the conflict continues', async () => {
    const { archive, calls } = archiveWith(Array.from({ length: 50 }, () => conflict));
    const error: unknown = await archive.putOnce('key', 'text', 'text/plain').catch((each: unknown) => each);
    expect(awsFaultOf(error)).toEqual({ kind: 'unavailable', code: 'ConditionalRequestConflict' });
    expect(calls).toHaveLength(6);
  });
});
