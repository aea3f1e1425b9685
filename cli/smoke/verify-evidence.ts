import { createWriteStream, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { CliError } from '../cli-error.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { DoesNotHoldError } from '../verify/verified.ts';
import { verifyFile } from '../verify/verify-file.ts';
import type { SmokeCheck } from './smoke-check.ts';

/** Copies a file's folder of the archive and verifies it as an auditor would, offline. */
export async function verifyEvidence(
  manifest: Pick<Manifest, 'feed' | 'archive'>,
  { s3, outputs }: Pick<OpenStack, 's3' | 'outputs'>,
  dir: string,
  signal: AbortSignal,
): Promise<SmokeCheck> {
  const Bucket = outputs.archiveBucket;
  const { manifest_key: key } = manifest.archive;
  const folder = `${dirname(key)}/`;
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix: folder })) {
    for (const { Key = '' } of page.Contents ?? []) {
      const path = join(dir, Key.slice(folder.length));
      mkdirSync(dirname(path), { recursive: true });
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }), { abortSignal: signal });
      if (!(Body instanceof Readable)) throw new CliError(`S3 sent no content for ${Key}.`);
      await pipeline(Body, createWriteStream(path), { signal });
    }
  }
  let verified = 0;
  try {
    for await (const { isSkipped } of verifyFile(join(dir, basename(key)), {})) if (!isSkipped) verified++;
    return {
      sentence: `The evidence of ${manifest.feed} is verified: ${verified} statements hold`,
      holds: verified > 0,
    };
  } catch (error) {
    if (!(error instanceof DoesNotHoldError)) throw error;
    return { sentence: `The evidence of ${manifest.feed} does not hold: ${error.message}`, holds: false };
  }
}
