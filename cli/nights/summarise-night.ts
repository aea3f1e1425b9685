import type { NightEntry } from '../../lambdas/core/nights/night-entry.ts';
import { isMissed } from '../../lambdas/core/nights/judge-expected.ts';
import { verdictOfNight } from '../../lambdas/core/nights/night-verdict.ts';
import type { Verdict } from '../../lambdas/core/report/verdict.ts';
import type { StoredNight } from './read-nights.ts';

/** A night as a row of a list: for tables, screens and `nights --json`. */
export interface NightSummary extends Pick<
  NightEntry,
  'feed' | 'number' | 'from' | 'to' | 'files' | 'sums' | 'deadline'
> {
  expectations: { met: number; missed: number };
  open_dead_letters: { files: number; records: number };
  verdict: Verdict['kind'];
  sentence: string;
  /** SHA-256 of the entry's bytes. */
  hash: string;
}

export function summariseNight({ entry, sha256 }: StoredNight): NightSummary {
  const { feed, number, from, to, files, sums, deadline, expectations } = entry;
  const { kind, sentence } = verdictOfNight(entry);
  const missed = expectations.filter(isMissed).length;
  const { files: deadFiles, records } = entry.open_dead_letters;
  return {
    ...{ feed, number, from, to, files, sums, deadline },
    expectations: { met: expectations.length - missed, missed },
    open_dead_letters: { files: deadFiles, records },
    ...{ verdict: kind, sentence, hash: sha256 },
  };
}
