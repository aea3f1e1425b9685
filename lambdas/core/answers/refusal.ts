/** Another record already has its identity: only a person can decide which of the two is right. */
export const conflictReason = 'conflict';

/** The API has lost an entry that it stored, or a person has removed it: another one could make it double. */
const supersededMissing = 'superseded_missing';

/**
 * For a row of a revision that the splitter could not compare: whether it supersedes an entry of the API is not known, and
 * without the header it could make it double.
 */
export const earlierUnknown = {
  outcome: 'refused' as const,
  reason: 'earlier_unknown',
  error:
    'the API may have an earlier version of this row, and which one is not known; correct it in the log, and drop that as ' +
    'the next revision',
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
