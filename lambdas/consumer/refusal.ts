/** Its identity stands for another record already: nobody but a person can say which of the two is right. */
export const conflictReason = 'conflict';

/** Why a record was refused. A sink that answers 409 by more than "seen before" tells of a conflict. */
export function refusalOf(status: number, answer: string): { reason: string; error: string } {
  if (status === 409) return { reason: conflictReason, error: answer };
  return { reason: `http_${status}`, error: `the API refused the record with ${status}` };
}
