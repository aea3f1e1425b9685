import type { AuditLog } from '../../lambdas/ports.ts';
import { silentLog } from './in-memory-ports.ts';

export interface AuditedRecord extends Record<string, unknown> {
  correlation_id: string;
}

/** A log that keeps its lines about records, and nothing else. */
export function auditTo(lines: AuditedRecord[][]): AuditLog {
  return {
    ...silentLog,
    info: (message, fields) => {
      if (message === 'records accounted for') lines.push(fields?.['records'] as AuditedRecord[]);
    },
  };
}
