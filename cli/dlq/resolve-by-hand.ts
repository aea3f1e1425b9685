import { askToAmend } from '../../lambdas/ask-finalizer.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { forEachAtOnce } from '../../lambdas/core/at-once.ts';
import type { DeadLedger, EventPublisher, FileLedger, FinalizeQueue } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';
import { formatCount } from '../terminal/format.ts';
import { isOfReason } from './select-dead.ts';

export interface ResolvePorts {
  ledger: Pick<FileLedger, 'requestAmendment'> & Pick<DeadLedger, 'getDead' | 'listDead' | 'resolveDead'>;
  finalize: FinalizeQueue;
  events: EventPublisher;
}

/** A selection of a file's dead records: by number, by reason, or all. */
export type Chosen = { records: readonly number[] } | { reason: string | undefined };

/** Records resolved at once: a write each. */
const resolvedAtOnce = 10;
/** Records resolved between two requests for the amendment: the command may be killed at any of them. */
const perAmendment = 50;
/** Maximum record numbers in one event. */
const maxNamed = 1_000;

/**
 * The selected records.
 * @throws CliError listing those that do not exist or are no longer dead, before anything is changed
 */
export async function chooseDead(
  file: FileAccount,
  chosen: Chosen,
  ledger: Pick<DeadLedger, 'getDead' | 'listDead'>,
): Promise<number[]> {
  if ('records' in chosen) {
    const records = [...new Set(chosen.records)];
    const faults = (await Promise.all(records.map((record) => faultOf(file, record, ledger)))).filter((fault) => fault);
    if (faults.length > 0) throw new CliError(`Nothing was resolved. ${faults.join(' ')}`);
    return records;
  }
  const records: number[] = [];
  for await (const dead of ledger.listDead(file.fileId)) {
    if (dead.state === 'dead' && isOfReason(dead, { feed: file.feed, reason: chosen.reason }))
      records.push(dead.record);
  }
  if (records.length > 0) return records;
  const reason = chosen.reason === undefined ? '' : ` with the reason ${chosen.reason}`;
  throw new CliError(`The file ${file.fileId} has no open dead letter${reason}: nothing was resolved.`);
}

async function faultOf(
  file: FileAccount,
  record: number,
  ledger: Pick<DeadLedger, 'getDead'>,
): Promise<string | undefined> {
  const dead = await ledger.getDead(file.fileId, record);
  if (!dead) {
    const total = file.totalRecords === undefined ? '' : `, which has ${formatCount(file.totalRecords)} records`;
    return `Record ${record} of the file ${file.fileId}${total}, is not a dead letter.`;
  }
  if (dead.state === 'dead') return undefined;
  const at = new Date(dead.resolvedAt ?? 0).toISOString();
  const how = dead.resolution === 'handled' ? `handled by ${dead.resolvedBy}: ${dead.resolvedWhy}` : dead.resolution;
  return `Record ${record} is resolved already, at ${at} (${how}).`;
}

/**
 * Marks dead records as handled manually: they keep their outcome and are no longer open. Who did it and why goes into the
 * ledger, from there into the archive, and into an event. Returns the records that this call resolved.
 */
export async function resolveByHand(
  file: FileAccount,
  records: readonly number[],
  { by, why }: { by: string; why: string },
  ports: ResolvePorts,
  signal: AbortSignal,
): Promise<number[]> {
  const resolved: number[] = [];
  for (let from = 0; from < records.length && !signal.aborted; from += perAmendment) {
    // Before the first one, too: a command that is killed must not leave a manifest that is never amended.
    await askToAmend(file, ports);
    await forEachAtOnce(records.slice(from, from + perAmendment), resolvedAtOnce, async (record) => {
      if (signal.aborted) return;
      if (await ports.ledger.resolveDead(file.fileId, record, { kind: 'handled', by, why })) resolved.push(record);
    });
  }
  if (resolved.length === 0) return resolved;
  resolved.sort((a, b) => a - b);
  await askToAmend(file, ports);
  await ports.events.publish('dead letters handled', {
    file_id: file.fileId,
    feed: file.feed,
    by,
    why,
    count: resolved.length,
    records: resolved.slice(0, maxNamed),
  });
  return resolved;
}
