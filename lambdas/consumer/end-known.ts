import { knownOutcome } from '../core/series/revision-plan.ts';
import type { BatchAttempt } from './batch-attempt.ts';

/**
 * Ends the records of a revision that the API has already: no request is made and no slot is used. What the splitter has
 * decided about a record never changes, so none of them was sent before.
 */
export function endKnown(attempt: BatchAttempt): void {
  for (const place of attempt.left()) {
    const outcome = knownOutcome[attempt.plans[place]?.plan ?? 'send'];
    if (outcome) attempt.end(place, { outcome, status: null, attempts: 0 });
  }
}
