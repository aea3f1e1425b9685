import { conflictReason } from '../../lambdas/core/answers/refusal.ts';
import type { DeadRecord } from '../../lambdas/core/account/file-account.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';

/**
 * The id of a corrected row. The same row for the same record has the same id, so that a CSV that is sent twice takes
 * effect once. A row that failed is tried again under its next id when it is sent again; a row that met a conflict is
 * not.
 */
export function correctionIdOf(dead: Pick<DeadRecord, 'fileId' | 'record' | 'history'>, row: Record<string, unknown>) {
  const content = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
  for (let attempt = 1; ; attempt++) {
    const text = JSON.stringify([dead.fileId, dead.record, content, attempt]);
    const id = sha256Of(Buffer.from(text)).slice(0, 32);
    const end = dead.history.find(({ correctionId }) => correctionId === id);
    if (!end || end.reason === conflictReason) return id;
  }
}
