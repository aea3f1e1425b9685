import type { FileAccount } from '../core/account/file-account.ts';
import { isOpen } from '../core/account/file-account.ts';
import type { Quarantine } from '../core/account/stops.ts';
import { isQuarantined } from '../core/account/stops.ts';
import type { KnownRevision } from '../core/series/earlier-revisions.ts';
import { ChangedRecords } from '../core/series/changed-records.ts';
import { guardRevision } from '../core/series/revision-guard.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { Revision, RevisionBase } from '../core/series/revision.ts';
import { basesOf } from '../core/series/revision-bases.ts';
import { supersededBy } from '../core/series/superseded-letter.ts';
import { askToAmend } from '../ask-finalizer.ts';
import { askAgainAfterMs } from '../core/account/amendment.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { ComparePorts, TakeOverPorts } from './compare-ports.ts';
import type { CutFile } from './cut-file.ts';
import type { KeepLease } from './keep-lease.ts';
import { planRevision, unknownWhy } from './plan-revision.ts';
import { stopEarlier } from './stop-earlier.ts';
import { storeComparison } from './store-comparison.ts';

export type RevisionJudgement =
  /** An earlier revision is in progress. */
  | { kind: 'wait' }
  /** It can't be compared, for this reason. */
  | { kind: 'unknown'; why: string }
  /** A person decides; a release sends the changes. */
  | { kind: 'held'; revision: Revision; quarantine: Quarantine }
  /** A person has cancelled it: it takes nothing over before it is released. */
  | { kind: 'stopped'; revision: Revision }
  | { kind: 'send'; revision: Revision; plan: RevisionPlan };

/**
 * What becomes of a newer revision. Everything can be repeated until `send` is saved, with the file's epoch: comparing
 * changes nothing, and taking over from the earlier revisions is the same write each time.
 * @param earlier the revisions that entered the series before it @param before the newest one that may have been sent
 */
export async function judgeRevision(
  file: CutFile,
  { earlier, before }: { earlier: readonly KnownRevision[]; before: KnownRevision },
  whole: Buffer | undefined,
  ports: ComparePorts,
  deadline: Deadline,
  keepLease: KeepLease,
): Promise<RevisionJudgement> {
  for (const { fileId } of earlier) {
    const each = await ports.ledger.getFile(fileId);
    if (isOpen(each)) {
      await stopEarlier(file, { earlier, before }, whole, ports, deadline, keepLease);
      return { kind: 'wait' };
    }
    // Comparing it now would have no effect.
    const isMarked = each?.supersededBy?.fileId === file.fileId;
    if (isMarked && (await isSettling(each, ports))) return { kind: 'wait' };
  }
  const bases = await currentBases(before.fileId, ports);
  if (!bases) return { kind: 'unknown', why: 'What the API has of it is not known.' };
  const changes = new ChangedRecords(file.dialect);
  const planned = await planRevision(file, bases, whole, ports, deadline, keepLease, changes);
  if (planned.kind !== 'planned') return { kind: 'unknown', why: unknownWhy[planned.kind] };
  const { plan } = planned;
  const { counts } = plan;
  const hasPassed = file.guard === 'passed';
  const quarantine = guardRevision(counts, before.fileId, ports.rules, ports.clock.now(), hasPassed);
  const revisionOf = async (compared: CutFile): Promise<Revision> => {
    const comparison = await storeComparison(compared, { bases, plan, changes }, ports, deadline, keepLease);
    return { bases, counts, ...(comparison ? { comparison } : {}), ...(plan.supersedes ? { supersedes: true } : {}) };
  };
  if (quarantine) return { kind: 'held', revision: await revisionOf({ ...file, quarantine }), quarantine };
  if (isQuarantined(file)) return { kind: 'stopped', revision: await revisionOf(file) };
  const isTaken = await takeOver(file.fileId, earlier, bases, ports);
  return isTaken ? { kind: 'send', revision: { ...(await revisionOf(file)), taken: true }, plan } : { kind: 'wait' };
}

/**
 * Takes over from the earlier revisions: from now on no letter of theirs is tried and none of them is released. Their open
 * dead letters are settled, since this file has the records as they should be. False if something of them may still be on
 * its way, or has changed since they were compared.
 */
export async function takeOver(
  fileId: string,
  earlier: readonly { fileId: string }[],
  bases: readonly RevisionBase[],
  ports: TakeOverPorts,
): Promise<boolean> {
  const { ledger, clock } = ports;
  for (const each of earlier) {
    const closed = await ledger.supersedeFile(each.fileId, fileId);
    // Forgotten: nothing of it is left to be sent.
    if (!closed && !(await ledger.getFile(each.fileId))) continue;
    if (!closed || isTrying(closed, clock.now())) return false;
    const settled = await settleLetters(closed, fileId, ports);
    if (settled || (await isSettling(closed, ports))) return false;
    const base = bases.find((known) => known.fileId === each.fileId);
    if (!base) continue;
    if (closed.manifest?.number !== base.manifest) return false;
    // Its manifest has how each dead letter ended, including what may have been sent.
    const figures = await ledger.getManifestFigures(base.fileId, base.manifest);
    if (figures?.dead_lettered_records !== 0) return false;
  }
  return true;
}

/** A letter or a correction of the file may be being tried. */
const isTrying = ({ tryingUntil = -1 }: FileAccount, now: number): boolean => tryingUntil >= now;

/** So it may be, or the file's manifest is about to be amended. */
async function isSettling(file: FileAccount, ports: TakeOverPorts): Promise<boolean> {
  const { amendmentRequestedAt: requestedAt } = file;
  const now = ports.clock.now();
  // Whoever requested it may have died before the finalizer was asked.
  if (requestedAt !== undefined && requestedAt < now - askAgainAfterMs) await askToAmend(file, ports);
  return isTrying(file, now) || requestedAt !== undefined;
}

/** Settles the dead letters that are still open, and asks for a manifest that has them. */
async function settleLetters(file: FileAccount, by: string, ports: TakeOverPorts): Promise<boolean> {
  const { ledger, clock } = ports;
  let settled = false;
  for await (const dead of ledger.listDead(file.fileId)) {
    if (dead.state !== 'dead') continue;
    settled = true;
    // A consumer that was killed has left no other trace of what it sent.
    if (dead.sentSince !== undefined || dead.correction !== undefined) {
      const correctionId = dead.correction === undefined ? {} : { correctionId: dead.correction.id };
      const error = 'it may have been sent before the newer revision came';
      const attempt = { at: clock.now(), outcome: 'exhausted' as const, reason: 'superseded', error, status: null };
      await ledger.addFailure(file.fileId, dead.record, { ...attempt, ...correctionId }, undefined);
    }
    await ledger.resolveDead(file.fileId, dead.record, supersededBy(by));
  }
  if (settled) await askToAmend(file, ports);
  return settled;
}

export async function currentBases(
  fileId: string,
  { ledger }: Pick<ComparePorts, 'ledger'>,
): Promise<RevisionBase[] | undefined> {
  const file = await ledger.getFile(fileId);
  if (!file?.manifest) return undefined;
  const figures = await ledger.getManifestFigures(fileId, file.manifest.number);
  const same = file.series?.sameBytes;
  // What it did not send, one with the same request ids may have sent before it.
  const before = same === undefined ? undefined : await currentBases(same, { ledger });
  return basesOf(file, figures, before);
}
