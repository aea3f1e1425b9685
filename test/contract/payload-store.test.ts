import { randomBytes, randomUUID } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, inject, it } from 'vitest';
import { S3PayloadStore } from '../../lambdas/adapters/s3-payload-store.ts';
import type { PayloadStore } from '../../lambdas/ports.ts';

function inMemory(): PayloadStore {
  const stored = new Map<string, Buffer>();
  return {
    putPayload: async (key, bytes) => void stored.set(key, bytes),
    getPayload: async (key) => stored.get(key),
  };
}

/** One suite for the real store and the fake one. */
describe.each<[string, () => PayloadStore]>([
  ['in memory', inMemory],
  [
    'in S3',
    () =>
      new S3PayloadStore(
        new S3Client({ ...inject('cloud').client, forcePathStyle: true }),
        inject('cloud').outputs['WorkBucketName'] ?? '',
      ),
  ],
])('a store of long records %s', (_, create) => {
  const key = () => `payloads/traffic.${randomUUID()}/${'f'.repeat(64)}`;

  it('returns exactly the bytes that it stored, however often they were stored', async () => {
    const [store, name, bytes] = [create(), key(), randomBytes(200_000)];
    for (let times = 0; times < 2; times++) await store.putPayload(name, bytes);
    expect((await store.getPayload(name))?.equals(bytes)).toBe(true);
  });

  it('reports a payload that was never stored as unknown', async () => {
    expect(await create().getPayload(key())).toBeUndefined();
  });
});
