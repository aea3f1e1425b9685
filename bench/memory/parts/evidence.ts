import { once } from 'node:events';
import { createReadStream, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { copyEvidence } from '../../../cli/archive/copy-evidence.ts';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import type { RunPart } from '../memory-part.ts';

/** The archive is on this machine's disk. What is copied is then verified, which is measured apart. */
export const run: RunPart = async (records, root) => {
  const folder = join(root, String(records));
  const text = readFileSync(join(folder, 'manifest.json'), 'utf8');
  const { manifest_key: manifestKey } = (JSON.parse(text) as Manifest).archive;
  const send = async ({ input: { Key = '' } }: GetObjectCommand) => {
    const path = join(folder, Key.slice(dirname(manifestKey).length + 1));
    if (!existsSync(path)) throw Object.assign(new Error('There is no such object.'), { name: 'NoSuchKey' });
    const body = createReadStream(path);
    await once(body, 'open');
    return { Body: body };
  };
  const dir = join(root, 'copy');
  const stack = { s3: { send } as unknown as S3Client, outputs: { archiveBucket: 'archive' } };
  const { signal } = new AbortController();
  await copyEvidence(stack, { manifestKey, dir, onProgress: () => undefined, signal });
  rmSync(dir, { recursive: true });
};
