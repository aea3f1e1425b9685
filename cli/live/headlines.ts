import type { Facts, HeadlineSource } from './facts.ts';
import { apiHeadlines } from './headlines/api.ts';
import { controlFileHeadlines } from './headlines/control-files.ts';
import { deadLetterHeadlines } from './headlines/dead-letters.ts';
import { decisionHeadlines } from './headlines/decisions.ts';
import { expectedFileHeadlines } from './headlines/expected-files.ts';
import { failedWorkHeadlines } from './headlines/failed-work.ts';
import { progressHeadlines } from './headlines/progress.ts';
import { sendingOffHeadlines } from './headlines/sending-off.ts';
import { settingsHeadlines } from './headlines/settings.ts';
import { strayHeadlines } from './headlines/strays.ts';
import { unsentFileHeadlines } from './headlines/unsent-files.ts';
import type { Headline } from './snapshot.ts';

/** Those of the same rank are shown in this order. */
const sources: readonly HeadlineSource[] = [
  settingsHeadlines,
  sendingOffHeadlines,
  decisionHeadlines,
  apiHeadlines,
  unsentFileHeadlines,
  expectedFileHeadlines,
  controlFileHeadlines,
  strayHeadlines,
  progressHeadlines,
  deadLetterHeadlines,
  failedWorkHeadlines,
];

/** A warning is no more urgent than what is in progress. */
const ranks: Record<Headline['tone'], number> = { alarm: 0, warning: 1, busy: 1, calm: 2 };

/** The most serious first: a calm sentence never stands above a fault. Never empty. */
export function headlinesOf(facts: Facts): Headline[] {
  const all = sources.flatMap((source) => source(facts));
  return all.sort((a, b) => ranks[a.tone] - ranks[b.tone]);
}
