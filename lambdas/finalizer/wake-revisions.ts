import type { FileAccount } from '../core/account/file-account.ts';
import { continueMessageOf } from '../intake-message.ts';
import type { FileLedger, SeriesLedger } from '../ports.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';

interface WakePorts extends Pick<FinalizerPorts, 'intakeOf' | 'log'> {
  ledger: Pick<FileLedger, 'getFile'> & Pick<SeriesLedger, 'findInSeries' | 'wakeRevision'>;
}

/**
 * Has the later revisions that wait for this one look at once whether it is closed. Only a hint: each looks by itself every
 * 30 seconds, so a failure is logged, and one that is woken twice, or too early, waits on.
 */
export async function wakeRevisions({ fileId, series }: FileAccount, ports: WakePorts): Promise<void> {
  const { ledger, intakeOf, log } = ports;
  if (!intakeOf || series === undefined) return;
  try {
    const { later = [] } = (await ledger.findInSeries(series.id, fileId)) ?? {};
    for (const revision of later) {
      if (!(await ledger.wakeRevision(revision.fileId))) continue;
      const waiting = await ledger.getFile(revision.fileId);
      if (waiting) await intakeOf(waiting.lane)?.send(continueMessageOf(waiting), 0);
    }
  } catch (error) {
    log.warn('later revisions could not be woken', { correlation_id: fileId, error });
  }
}
