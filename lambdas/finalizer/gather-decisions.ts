import { decisionsOf } from '../core/account/decisions.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { Manifest } from '../core/account/manifest.ts';
import type { ManifestDecision } from '../core/account/manifest-decision.ts';
import {
  inOrder,
  isAboutFile,
  isAboutRecords,
  quoteFeedDecision,
  quoteFileDecision,
} from '../core/account/manifest-decision.ts';
import { decisionsDuring } from '../core/limiter/limit-policy.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import type { Resolutions } from './archive-resolutions.ts';

/**
 * Who decided what about the file, its records and its feed, and why.
 * @param amended the newest manifest, if the file has been closed before: the feed's later decisions don't concern the file
 */
export async function gatherDecisions(
  file: FileAccount,
  resolutions: Resolutions,
  amended: Manifest | undefined,
  ports: Pick<FinalizerPorts, 'feedDecisions' | 'clock'>,
): Promise<ManifestDecision[]> {
  return inOrder([
    ...decisionsOf(file).map(quoteFileDecision),
    ...resolutions.decisions,
    ...(amended ? ofFeedIn(amended) : await duringFile(file, ports)),
  ]);
}

function ofFeedIn({ decisions = [] }: Manifest): ManifestDecision[] {
  return decisions.filter((each) => !isAboutFile(each) && !isAboutRecords(each));
}

async function duringFile(
  { feed, createdAt }: FileAccount,
  { feedDecisions, clock }: Pick<FinalizerPorts, 'feedDecisions' | 'clock'>,
): Promise<ManifestDecision[]> {
  const decisions = await feedDecisions(feed);
  return decisionsDuring(decisions, { feed, fromMs: createdAt, toMs: clock.now() }).map(quoteFeedDecision);
}
