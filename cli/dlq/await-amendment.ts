import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import type { Clock, DeadLedger, FileLedger } from '../../lambdas/ports.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface AmendmentPorts {
  ledger: Pick<FileLedger, 'getFile'> & Pick<DeadLedger, 'listDead'>;
  /** Number of the file's newest manifest. */
  readSummary: (file: FileAccount) => Promise<ManifestSummary>;
  clock: Clock;
  terminal: Pick<Terminal, 'progress'>;
}

/** State of a file's account after dead letters of it were resolved. */
export type Amendment =
  | { kind: 'amended'; manifest: ManifestSummary }
  /** Its first manifest is not written yet, and will include the resolutions. */
  | { kind: 'open'; fileId: string }
  | { kind: 'owed'; fileId: string };

const pollEveryMs = 1_000;
/** An amended manifest is written 20 s after the last resolution, at the latest after 15 min. Milliseconds. */
const giveUpAfterMs = 17 * 60_000;

/** Waits until a file's manifest contains every resolution in the ledger. */
export async function awaitAmendment(fileId: string, ports: AmendmentPorts, signal: AbortSignal): Promise<Amendment> {
  const { ledger, clock, terminal, readSummary } = ports;
  const giveUpAt = clock.now() + giveUpAfterMs;
  let seen: { number: number; manifest: ManifestSummary } | undefined;
  let resolved = await countResolved(fileId, ledger);
  for (;;) {
    const file = await ledger.getFile(fileId);
    if (!file?.manifest) return { kind: 'open', fileId };
    if (seen?.number !== file.manifest.number) {
      seen = { number: file.manifest.number, manifest: await readSummary(file) };
      resolved = await countResolved(fileId, ledger);
    }
    const { manifest } = seen;
    if (manifest.resolved_records + manifest.handled_records >= resolved) return { kind: 'amended', manifest };
    if (signal.aborted || clock.now() >= giveUpAt) return { kind: 'owed', fileId };
    terminal.progress('amend', 'waiting until the account is amended, about half a minute');
    await clock.sleep(pollEveryMs, signal);
  }
}

async function countResolved(fileId: string, ledger: Pick<DeadLedger, 'listDead'>): Promise<number> {
  let count = 0;
  for await (const { state } of ledger.listDead(fileId)) if (state === 'resolved') count++;
  return count;
}
