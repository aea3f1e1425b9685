import type { FileAccount } from '../core/account/file-account.ts';
import type { Quarantine } from '../core/account/stops.ts';
import type { AuditLog, FileLedger, Metrics } from '../ports.ts';

export interface StopPorts {
  ledger: Pick<FileLedger, 'quarantineFile'>;
  log: AuditLog;
  metrics: Metrics;
}

/** Stops the file until a person has inspected it. Does nothing if it is stopped already, or was inspected and released. */
export async function stopFile(file: FileAccount, quarantine: Quarantine, ports: StopPorts): Promise<void> {
  if (!(await ports.ledger.quarantineFile(file.fileId, quarantine))) return;
  file.quarantine = quarantine;
  ports.metrics.add('QuarantinedFiles', 1);
  ports.log.error('file quarantined', { correlation_id: file.fileId, reason: quarantine.message });
}
