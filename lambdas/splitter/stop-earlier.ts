import { LeaseLostError, SourceChangedError } from '../core/errors.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { isOpen } from '../core/account/file-account.ts';
import { isStopped, outrunFile } from '../core/account/quarantine.ts';
import { isOutrun } from '../core/account/stops.ts';
import { suffixOf } from '../core/records/identity.ts';
import { prepareCut } from '../core/records/prepare-batch.ts';
import type { EarlierRevisions } from '../core/series/earlier-revisions.ts';
import { KnownRecords } from '../core/series/known-records.ts';
import { guardRevision } from '../core/series/revision-guard.ts';
import { columnsOf, hasPlan } from '../core/series/revision.ts';
import type { Comparing } from './compare-ports.ts';
import type { CutFile } from './cut-file.ts';
import { cutWhole } from './cut-whole.ts';
import { compareWith } from './plan-revision.ts';
import { saveProgress } from './splitter-ports.ts';
import type { AmongRevisions, Standing } from './standing-in-series.ts';
import { isSameStanding, standingOf } from './standing-in-series.ts';

/** More of them are not kept in memory twice; a larger file is waited for. */
const maxRecords = 5_000_000;

type StandingAfter = EarlierRevisions & AmongRevisions & { standing: Standing };

/**
 * Stops the earlier revisions that are in progress, instead of sending rows that this file makes obsolete: what is not sent of
 * them is held, and they end as superseded. Only if this file passes the guard, by all of the newest one's content: a file
 * that is held for a person stops nothing. That is saved first, so a killed splitter does not judge again.
 */
export async function stopEarlier(file: CutFile, place: StandingAfter, by: Comparing): Promise<void> {
  const { ports } = by;
  const { earlier, before, standing } = place;
  if (isStopped(file)) return;
  if (guardOf(file, before.fileId) === undefined) {
    const inProgress = await ports.ledger.getFile(before.fileId);
    if (!inProgress || !mayBeStopped(inProgress, by)) return;
    const guard = (await passesGuard(file, inProgress as CutFile, by)) ? 'passed' : 'failed';
    const judged = { guard, guardAgainst: before.fileId } as const;
    const saved = await saveProgress(file, ports, judged);
    if (!saved) throw new LeaseLostError(`The file ${file.fileId} was claimed by another splitter.`);
    Object.assign(file, judged);
    // A person may have cancelled it meanwhile.
    if (isStopped(saved)) return;
  }
  if (file.guard === 'failed') return;
  // Judging takes minutes. Another one may have been released meanwhile: the next look judges by that one.
  if (!isSameStanding(await standingOf(place, ports.ledger), standing)) return;
  for (const { fileId } of earlier)
    await ports.ledger.stopRevision(fileId, outrunFile(file.fileId, ports.clock.now()), file.fileId);
}

/** How the file was judged by the content of this one; undefined if it was not. One that was held may be in progress now. */
const guardOf = ({ guard, guardAgainst: judgedBy }: FileAccount, before: string) =>
  judgedBy === undefined || judgedBy === before ? guard : undefined;

/**
 * Whether it has passed the guard by all of the content of the newest earlier revision, or of one that it has stopped since:
 * what differs now was not sent.
 */
export const hasPassed = (file: FileAccount, before: FileAccount | undefined): boolean =>
  file.guard === 'passed' && before !== undefined && (guardOf(file, before.fileId) === 'passed' || isOutrun(before));

function mayBeStopped(inProgress: FileAccount, { ports }: Comparing): boolean {
  const { series, revision, guard } = inProgress;
  // Before it has a place itself, it may turn out to be a wrong file.
  const isSent = series?.taken || revision?.taken || guard === 'passed';
  if (!isOpen(inProgress) || isStopped(inProgress) || !isSent) return false;
  // What it had not sent of a person's `--all` may have been removed by hand, so this file would be held after the stop.
  const isAllNew = revision !== undefined && !hasPlan(revision);
  return !isAllNew || ports.rules.changedRecords !== undefined;
}

async function passesGuard(file: CutFile, earlier: CutFile, by: Comparing): Promise<boolean> {
  const hasOtherColumns = columnsOf(earlier.dialect) !== columnsOf(file.dialect);
  const known = await rowsOf(earlier, by, { hasOtherColumns }).catch((error: unknown) => {
    // It is the earlier file that was replaced.
    if (error instanceof SourceChangedError) return undefined;
    throw error;
  });
  const compared = known && (await compareWith(file, [known], by));
  if (compared?.kind !== 'planned') return false;
  const { rules, clock } = by.ports;
  return guardRevision(compared.plan.counts, earlier.fileId, rules, clock.now()) === undefined;
}

/**
 * A file's records, as if the API had all of them. Undefined if there are too many, or too little time.
 * @param hasOtherColumns than the newer revision: the same bytes are another record there
 */
async function rowsOf(
  file: CutFile,
  by: Comparing,
  { hasOtherColumns }: { hasOtherColumns: boolean },
): Promise<KnownRecords | undefined> {
  const { sha256, totalRecords } = file;
  const ofEarlier = { ...by, whole: undefined };
  const records = totalRecords ?? (await countRecords(file, ofEarlier));
  if (sha256 === undefined || records === undefined || records > maxRecords) return undefined;
  const known = new KnownRecords(suffixOf({ ...file, sha256 }), records);
  const isRead = await cutWhole(file, ofEarlier, (batch) => {
    for (const { record, result, sha256: bytes } of prepareCut(batch, by.ports.feed, file)) {
      if (result.kind === 'good') known.add(record, result.requestId, hasOtherColumns ? undefined : bytes);
    }
  });
  return isRead ? known : undefined;
}

/** Of a file that is still being cut. */
async function countRecords(file: CutFile, by: Comparing): Promise<number | undefined> {
  let count = 0;
  const isRead = await cutWhole(file, by, (batch) => {
    count += batch.kind === 'slice' ? batch.records : 1;
  });
  return isRead ? count : undefined;
}
