import type { DeadResolution } from '../account/file-account.ts';

/** Who has settled a dead letter of a file that a newer revision has superseded: no person, and nothing was done elsewhere. */
export const resolvedBySluice = 'Sluice';

/** How a dead letter ends that is not tried any more, since the newer revision has the record as it should be. */
export function supersededBy(fileId: string): DeadResolution {
  return { kind: 'handled', by: resolvedBySluice, why: `not sent: the file ${fileId} is a newer revision` };
}
