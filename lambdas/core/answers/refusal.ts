/** Another record already has its identity: only a person can decide which of the two is right. */
export const conflictReason = 'conflict';

/** The API has lost an entry that it stored, or a person has removed it: another one could make it double. */
const supersededMissing = 'superseded_missing';

/**
 * For a row of a revision that the splitter could not compare, where the API keeps both of a changed record: whether it has
 * an earlier version of the row is not known, and sent as a new record, the row could be there twice.
 */
export const earlierUnknown = {
  outcome: 'refused' as const,
  reason: 'earlier_unknown',
  error:
    'the API may have an earlier version of this row, and which one is not known: nothing was sent. Correct the row in the ' +
    'log, and drop that as the next revision. If you know that the API has no earlier version of it, reingest the row with ' +
    '--as-new',
  status: null,
};

/**
 * The reason of a refusal. A 409 that means neither "seen before" nor "in progress" is a conflict.
 * @param what was refused: the file's record, or a corrected row @param supersedes it was to replace an entry of the API
 */
export function refusalOf(
  status: number,
  answer: string,
  what: 'record' | 'corrected row' = 'record',
  supersedes = false,
): { reason: string; error: string } {
  const error = `the API refused the ${what} with ${status}`;
  if (status === 409) return { reason: conflictReason, error: answer === '' ? error : answer };
  if (status === 412 && supersedes) {
    const missing = `the API does not have the entry that the ${what} is to replace, so nothing was stored`;
    return { reason: supersededMissing, error: `${missing}; look it up there, and resolve the record by hand` };
  }
  return { reason: `http_${status}`, error };
}
