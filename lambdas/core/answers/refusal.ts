/** Another record already has its identity: only a person can decide which of the two is right. */
export const conflictReason = 'conflict';

/**
 * The reason of a refusal. A 409 that means neither "seen before" nor "in progress" is a conflict.
 * @param what was refused: the file's record, or a corrected row
 */
export function refusalOf(
  status: number,
  answer: string,
  what: 'record' | 'corrected row' = 'record',
): { reason: string; error: string } {
  const error = `the API refused the ${what} with ${status}`;
  if (status === 409) return { reason: conflictReason, error: answer === '' ? error : answer };
  return { reason: `http_${status}`, error };
}
