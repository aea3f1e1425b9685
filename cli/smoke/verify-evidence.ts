import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { copyEvidence } from '../archive/copy-evidence.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { DoesNotHoldError } from '../verify/verified.ts';
import { verifyFile } from '../verify/verify-file.ts';
import type { SmokeCheck } from './smoke-check.ts';

/** Copies a file's folder of the archive and verifies it as an auditor would, offline. */
export async function verifyEvidence(
  { feed, archive }: Pick<Manifest, 'feed' | 'archive'>,
  stack: Pick<OpenStack, 's3' | 'outputs'>,
  dir: string,
  signal: AbortSignal,
): Promise<SmokeCheck> {
  let verified = 0;
  try {
    const request = { manifestKey: archive.manifest_key, dir, onProgress: () => undefined, signal };
    const { manifest, renamedSource: source } = await copyEvidence(stack, request);
    for await (const { isSkipped } of verifyFile(manifest, { source })) if (!isSkipped) verified++;
    return { sentence: `The evidence of ${feed} is verified: ${verified} statements hold`, holds: verified > 0 };
  } catch (error) {
    if (!(error instanceof DoesNotHoldError)) throw error;
    return { sentence: `The evidence of ${feed} does not hold: ${error.message}`, holds: false };
  }
}
