import { askToAmend } from '../ask-finalizer.ts';
import { askAgainAfterMs } from '../core/account/amendment.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { isOpen } from '../core/account/file-account.ts';
import { isLeftBehind } from '../core/series/go-without.ts';
import type { RevisionBase } from '../core/series/revision.ts';
import { supersededBy } from '../core/series/superseded-letter.ts';
import type { TakeOverPorts } from './compare-ports.ts';
import type { AmongRevisions, Standing } from './standing-in-series.ts';
import { isSameStanding, standingOf } from './standing-in-series.ts';

/** The first of the earlier revisions that are in progress; undefined if there is none, or none that is waited for. */
export async function findOpen(
  earlier: readonly { fileId: string }[],
  { ledger, clock }: Pick<TakeOverPorts, 'ledger' | 'clock'>,
): Promise<FileAccount | undefined> {
  for (const { fileId } of earlier) {
    const file = await ledger.getFile(fileId);
    if (file && isOpen(file) && !isLeftBehind(file, clock.now())) return file;
  }
  return undefined;
}

/**
 * The first of them that this file has marked as superseded, and of which something may still change. Before that, comparing
 * would have no effect.
 */
export async function findSettling(
  earlier: readonly { fileId: string }[],
  by: string,
  ports: TakeOverPorts,
): Promise<FileAccount | undefined> {
  for (const { fileId } of earlier) {
    const file = await ports.ledger.getFile(fileId);
    if (file?.supersededBy?.fileId === by && (await isSettling(file, ports))) return file;
  }
  return undefined;
}

/**
 * Takes over from the earlier revisions: from now on no letter of theirs is tried and none of them is released. Their open
 * dead letters are settled, since this file has the records as they should be. Returns one of which something may still be on
 * its way, or has changed since this file was judged; undefined if this file may be sent, or ended, as it was judged.
 * @param judged with its standing of then: one that was held may have been released and sent since
 * @param bases the evidence that it was compared with @param from all earlier ones by default
 */
export async function takeOver(
  judged: AmongRevisions & { standing: Standing },
  bases: readonly RevisionBase[],
  ports: TakeOverPorts,
  from: readonly { fileId: string }[] = judged.earlier,
): Promise<string | undefined> {
  const awaited = await markSuperseded(judged.own.fileId, from, bases, ports);
  if (awaited !== undefined) return awaited;
  // None of them can be released any more, so this is how it stays.
  const now = await standingOf(judged, ports.ledger);
  return isSameStanding(now, judged.standing) ? undefined : (now.before ?? judged.earlier.at(-1))?.fileId;
}

/** The first of them of which something may still be on its way, or has changed since they were compared. */
async function markSuperseded(
  fileId: string,
  earlier: readonly { fileId: string }[],
  bases: readonly RevisionBase[],
  ports: TakeOverPorts,
): Promise<string | undefined> {
  const { ledger, clock } = ports;
  for (const each of earlier) {
    const closed = await ledger.supersedeFile(each.fileId, fileId);
    const known = closed ?? (await ledger.getFile(each.fileId));
    // Forgotten, or abandoned: nothing of it is left to be sent.
    if (!known || isLeftBehind(known, clock.now())) continue;
    if (!closed || isTrying(closed, clock.now())) return each.fileId;
    const letters = await settleLetters(closed, fileId, ports);
    if (letters.settled > 0 || (await isSettling(closed, ports))) return each.fileId;
    const base = bases.find((known) => known.fileId === each.fileId);
    if (!base) continue;
    if (closed.manifest?.number !== base.manifest) return each.fileId;
    // Its manifest has how each dead letter ended, including what may have been sent.
    const figures = await ledger.getManifestFigures(base.fileId, base.manifest);
    if (figures?.dead_lettered_records === 0) continue;
    // Whoever settled one may have died before the manifest was asked for.
    if (figures && letters.resolved > figures.resolved_records + figures.handled_records)
      await askToAmend(closed, ports);
    return each.fileId;
  }
  return undefined;
}

/** A letter or a correction of the file may be being tried. */
const isTrying = ({ tryingUntil = -1 }: FileAccount, now: number): boolean => tryingUntil >= now;

/** So it may be, or the file's manifest is about to be amended. */
async function isSettling(file: FileAccount, ports: TakeOverPorts): Promise<boolean> {
  const { amendmentRequestedAt: requestedAt } = file;
  const now = ports.clock.now();
  if (isLeftBehind(file, now)) return false;
  // Whoever requested it may have died before the finalizer was asked.
  if (requestedAt !== undefined && requestedAt < now - askAgainAfterMs) await askToAmend(file, ports);
  return isTrying(file, now) || requestedAt !== undefined;
}

/**
 * Settles the dead letters that are still open, and asks for a manifest that has them.
 * @returns how many it has settled, and how many were resolved before
 */
async function settleLetters(
  file: FileAccount,
  by: string,
  ports: TakeOverPorts,
): Promise<{ settled: number; resolved: number }> {
  const letters = { settled: 0, resolved: 0 };
  for await (const dead of ports.ledger.listDead(file.fileId)) {
    letters[dead.state === 'dead' ? 'settled' : 'resolved']++;
    if (dead.state !== 'dead') continue;
    await ports.ledger.resolveDead(file.fileId, dead.record, supersededBy(by));
  }
  if (letters.settled > 0) await askToAmend(file, ports);
  return letters;
}
