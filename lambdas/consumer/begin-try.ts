import { longestTryMs } from '../core/series/go-without.ts';
import type { ConsumerPorts } from './consumer-ports.ts';

/**
 * Before a letter or a correction is sent: a newer revision waits until no try of an earlier one may be in progress, and no
 * try begins after it has taken over. Returns that revision's id, or undefined if the record may be sent.
 */
export async function beginTry(fileId: string, { ledger }: ConsumerPorts): Promise<string | undefined> {
  const file = await ledger.getFile(fileId);
  // A file of no series has no revisions.
  if (file?.series === undefined) return undefined;
  return file.supersededBy?.fileId ?? ledger.beginTry(fileId, longestTryMs);
}
