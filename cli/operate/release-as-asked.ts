import type { ReleasedRecords } from '../../lambdas/core/account/stops.ts';
import { earlierObstacleOf } from '../../lambdas/core/series/go-without.ts';
import type { WithoutResult } from './go-without.ts';
import { goWithout, sentenceOf } from './go-without.ts';
import type { ReleaseResult } from './release-file.ts';
import { releaseFile } from './release-file.ts';
import { isHeldRevision } from './release-options.ts';
import type { StopPorts } from './stop-ports.ts';
import type { Who } from './who.ts';

/** What a person asks for; `releaseOptions` says what applies. */
export interface ReleaseWish {
  /** What is sent of a held revision. */
  sends?: ReleasedRecords | undefined;
  /** The id of an earlier revision that it does not wait for. */
  without?: string | undefined;
}

export type AskedResult =
  /** `without`: what became of the wish to go on without the earlier one, once it was released. */
  (Extract<ReleaseResult, { kind: 'released' }> & { without?: WithoutResult }) | WithoutResult;

/**
 * Releases a file, has one that waits go on without an earlier revision, or both. Repeatable: a command that was killed can
 * be run again.
 */
export async function releaseAsAsked(
  fileId: string,
  { sends, without }: ReleaseWish,
  who: Who,
  ports: StopPorts,
): Promise<AskedResult> {
  if (without === undefined) return releaseFile(fileId, who, ports, sends);
  if (sends === undefined) return goWithout(fileId, without, who, ports);
  const [file, earlier] = await Promise.all([fileId, without].map((each) => ports.ledger.getFile(each)));
  if (file && isHeldRevision(file)) {
    const place = file.series && (await ports.ledger.findInSeries(file.series.id, fileId));
    const isEarlier = place?.earlier.some((each) => each.fileId === without) ?? false;
    const obstacle = earlierObstacleOf(file, earlier, isEarlier);
    if (obstacle) return { kind: 'refused', why: sentenceOf(fileId, without, obstacle, [file, earlier]) };
  }
  const released = await releaseFile(fileId, who, ports, sends);
  if (released.kind === 'refused') return released;
  return { ...released, without: await goWithout(fileId, without, who, ports) };
}
