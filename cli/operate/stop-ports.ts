import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { ControlLedger, FileLedger, FinalizeQueue, IntakeQueue, SeriesLedger } from '../../lambdas/ports.ts';

/** What a command needs to stop a file and to let it continue. */
export interface StopPorts {
  ledger: Pick<FileLedger, 'getFile' | 'cancelFile' | 'releaseQuarantine'> &
    Pick<ControlLedger, 'releaseWaiting'> &
    Pick<SeriesLedger, 'goWithout' | 'findInSeries'>;
  /** The intake queue of a file's lane. @throws CliError if that lane is not deployed (any more) */
  intakeOf: (file: Pick<FileAccount, 'feed' | 'lane'>) => IntakeQueue;
  finalize: FinalizeQueue;
}
