import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { ManifestDecision } from '../../lambdas/core/account/manifest-decision.ts';
import { inOrder, isAboutFile, isAboutRecords, isAboutStop } from '../../lambdas/core/account/manifest-decision.ts';
import { isTime } from './read-manifest.ts';
import { mustHold } from './verified.ts';

/**
 * Checks the decisions against each other, and against how the file ended.
 * @throws DoesNotHoldError
 */
export function checkDecisions(manifest: Manifest): void {
  const { manifest_version: version, state, failure, decisions = [] } = manifest;
  mustHold(version > 1 || decisions.length === 0, 'a manifest of version 1 has no decisions');
  for (const decision of decisions) checkForm(decision);
  mustHold(isDeepStrictEqual(inOrder(decisions), decisions), 'the decisions are not in the order of their times');
  checkWithout(manifest);
  const ofFile = decisions.filter(isAboutStop);
  let [stop, released] = [0, 0];
  for (const each of ofFile) {
    const number = each.stop ?? 0;
    const follows = each.kind === 'cancel' ? number > stop && stop === released : number >= stop && number > released;
    mustHold(follows, `the ${each.kind} of stop ${number} does not follow the decisions before it`);
    stop = number;
    if (each.kind === 'release') released = number;
  }
  const last = ofFile.at(-1);
  mustHold(
    state !== 'completed' || last?.kind !== 'cancel',
    'the file is completed, though its last cancel has no release',
  );
  if (failure?.code !== 'cancelled') return;
  const message = `Cancelled by ${last?.by ?? ''} at ${last?.at ?? ''}: ${last?.why ?? ''}`;
  mustHold(
    last?.kind === 'cancel' && failure.message === message,
    'the file was cancelled, and the decisions do not say so by the same name, time and reason',
  );
}

/** The file is one of the two revisions. */
function checkWithout({ file_id: fileId, decisions = [] }: Manifest): void {
  for (const { kind, newer_file_id: newer, earlier_file_id: earlier } of decisions) {
    const names = [newer, earlier].filter((each) => each !== undefined);
    mustHold(
      names.length === (kind === 'without' ? 2 : 0),
      `a decision of the kind ${kind} names two files, or does not`,
    );
    if (kind !== 'without') continue;
    mustHold(names.includes(fileId) && newer !== earlier, 'a decision to go on without a file is about other files');
  }
}

function checkForm({ kind, at, by, why, stop, sends, records, until, ...limit }: ManifestDecision): void {
  mustHold([at, until ?? at].every(isTime), `a decision has the time ${at}, which is none in milliseconds, UTC`);
  const isOfFile = kind === 'cancel' || kind === 'release';
  const isPlain = isOfFile || kind === 'pause' || kind === 'resume' || kind === 'without';
  const isOfRecords = kind === 'resolve' || kind === 'correct';
  mustHold(isOfFile === (stop !== undefined), `a decision of the kind ${kind} names a stop, or lacks it`);
  mustHold(sends === undefined || kind === 'release', `a decision of the kind ${kind} says what is sent`);
  mustHold(isOfRecords === (records !== undefined), `a decision of the kind ${kind} counts records, or does not`);
  mustHold(by !== null || (isOfRecords && why === null), `a decision of the kind ${kind} has no name`);
  const isOfLimit = !isPlain && !isOfRecords;
  const hasLimit = limit.from !== undefined || limit.to !== undefined || limit.window_seconds !== undefined;
  mustHold(isOfLimit || (!hasLimit && until === undefined), `a decision of the kind ${kind} has a limit`);
}

/** @param decided what the resolutions say @throws DoesNotHoldError */
export function checkRecordDecisions({ decisions = [] }: Manifest, decided: readonly ManifestDecision[]): void {
  mustHold(
    isDeepStrictEqual(decisions.filter(isAboutRecords), inOrder(decided)),
    'the decisions about records are not those of the resolutions',
  );
}

/** @throws DoesNotHoldError if a decision about the file is missing from a later manifest */
export function checkKept(earlier: Manifest, later: Manifest): void {
  const [before, after] = [earlier, later].map(({ decisions = [] }) => decisions.filter(isAboutFile));
  const isKept = isDeepStrictEqual(after?.slice(0, before?.length), before);
  mustHold(isKept, `manifest ${later.manifest_number} lacks decisions of manifest ${earlier.manifest_number}`);
}
