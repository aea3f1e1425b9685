import { LeaseLostError, SourceChangedError } from '../core/errors.ts';
import { isOpen } from '../core/account/file-account.ts';
import { isStopped, outrunFile } from '../core/account/quarantine.ts';
import { suffixOf } from '../core/records/identity.ts';
import { prepareCut } from '../core/records/prepare-batch.ts';
import type { KnownRevision } from '../core/series/earlier-revisions.ts';
import { KnownRecords } from '../core/series/known-records.ts';
import { guardRevision } from '../core/series/revision-guard.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { ComparePorts } from './compare-ports.ts';
import type { CutFile } from './cut-file.ts';
import { cutWhole } from './cut-whole.ts';
import type { KeepLease } from './keep-lease.ts';
import { compareWith } from './plan-revision.ts';
import { saveProgress } from './splitter-ports.ts';

/** More of them are not kept in memory twice; a larger file is waited for. */
const maxRecords = 5_000_000;

/**
 * Stops the earlier revisions that are in progress, instead of sending rows that this file makes obsolete: what is not sent of
 * them is held, and they end as superseded. Only if this file passes the guard, by all of the newest one's content: a file
 * that is held for a person stops nothing. That is saved first, so a killed splitter does not judge again.
 */
export async function stopEarlier(
  file: CutFile,
  { earlier, before }: { earlier: readonly KnownRevision[]; before: KnownRevision },
  whole: Buffer | undefined,
  ports: ComparePorts,
  deadline: Deadline,
  keepLease: KeepLease,
): Promise<void> {
  const { ledger, clock } = ports;
  if (isStopped(file)) return;
  if (file.guard === undefined) {
    const inProgress = await ledger.getFile(before.fileId);
    // Before it has a place itself, it may turn out to be a wrong file.
    const isSent = inProgress?.series?.taken || inProgress?.revision?.taken || inProgress?.guard === 'passed';
    if (!inProgress || !isOpen(inProgress) || isStopped(inProgress) || !isSent) return;
    const guard = (await passesGuard(file, inProgress as CutFile, whole, ports, deadline, keepLease))
      ? 'passed'
      : 'failed';
    const saved = await saveProgress(file, ports, { guard });
    if (!saved) throw new LeaseLostError(`The file ${file.fileId} was claimed by another splitter.`);
    file.guard = guard;
    // A person may have cancelled it meanwhile.
    if (isStopped(saved)) return;
  }
  if (file.guard === 'failed') return;
  for (const { fileId } of earlier)
    await ledger.stopRevision(fileId, outrunFile(file.fileId, clock.now()), file.fileId);
}

async function passesGuard(
  file: CutFile,
  earlier: CutFile,
  whole: Buffer | undefined,
  ports: ComparePorts,
  deadline: Deadline,
  keepLease: KeepLease,
): Promise<boolean> {
  const known = await rowsOf(earlier, ports, deadline, keepLease).catch((error: unknown) => {
    // It is the earlier file that was replaced.
    if (error instanceof SourceChangedError) return undefined;
    throw error;
  });
  const compared = known && (await compareWith(file, [known], whole, ports, deadline, keepLease));
  if (compared?.kind !== 'planned') return false;
  return guardRevision(compared.plan.counts, earlier.fileId, ports.rules, ports.clock.now()) === undefined;
}

/** As if the API had all of them. Undefined if there are too many, or too little time. */
async function rowsOf(
  file: CutFile,
  ports: ComparePorts,
  deadline: Deadline,
  keepLease: KeepLease,
): Promise<KnownRecords | undefined> {
  const { sha256, totalRecords } = file;
  const records = totalRecords ?? (await countRecords(file, ports, deadline, keepLease));
  if (sha256 === undefined || records === undefined || records > maxRecords) return undefined;
  const known = new KnownRecords(suffixOf({ ...file, sha256 }), records);
  const isRead = await cutWhole(file, undefined, ports, deadline, keepLease, (batch) => {
    for (const { record, result, sha256: ofRecord } of prepareCut(batch, ports.feed, file)) {
      if (result.kind === 'good') known.add(record, result.requestId, ofRecord);
    }
  });
  return isRead ? known : undefined;
}

/** Of a file that is still being cut. */
async function countRecords(
  file: CutFile,
  ports: ComparePorts,
  deadline: Deadline,
  keepLease: KeepLease,
): Promise<number | undefined> {
  let count = 0;
  const isRead = await cutWhole(file, undefined, ports, deadline, keepLease, (batch) => {
    count += batch.kind === 'slice' ? batch.records : 1;
  });
  return isRead ? count : undefined;
}
