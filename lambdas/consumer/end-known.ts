import { decodePlans, knownOutcome } from '../core/series/revision-plan.ts';
import type { BatchAttempt } from './batch-attempt.ts';

/**
 * Ends the records of a revision that the API has already: no request is made and no slot is used. What the splitter has
 * decided about a record never changes, so none of them was sent before.
 */
export function endKnown(attempt: BatchAttempt): void {
  const plans = decodePlans(attempt.message.plans, attempt.records.length);
  for (const place of attempt.left()) {
    const outcome = knownOutcome[plans[place] ?? 'send'];
    if (outcome) attempt.end(place, { outcome, status: null, attempts: 0 });
  }
}
