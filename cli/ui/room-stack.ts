import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import type { QueueAccess } from '../../lambdas/adapters/queue-access.ts';
import type { Selection } from '../dlq/select-dead.ts';
import type { OpenStack } from '../stack/open-stack.ts';

/** The deployed stack as the control room's pages use it. */
export interface RoomStack extends Pick<
  OpenStack,
  'ledger' | 'outputs' | 'receipts' | 'payloads' | 'events' | 'finalize' | 'lettersOf' | 'intakeOf' | 'limiterOf'
> {
  archive: Pick<OpenStack['archive'], 'getStream'>;
  queues: QueueAccess;
  readSummary: (file: FileAccount) => Promise<ManifestSummary>;
  /** Has dead letters tried again, follows them to their end, and returns the result in words. */
  redrive: (selection: Selection, terminal: JobTerminal, signal: AbortSignal) => Promise<string>;
}

/** Where a job's progress and remarks go, in place of a terminal. */
export interface JobTerminal {
  progress: (phase: string, text: string) => void;
  note: (text: string) => void;
}
