import type { NightEntry } from '../../lambdas/core/nights/night-entry.ts';
import { isMissed } from '../../lambdas/core/nights/judge-expected.ts';
import { nightWords, verdictOfNight, wordOfExpected } from '../../lambdas/core/nights/night-verdict.ts';
import type { NightStack, StoredNight } from '../nights/read-nights.ts';
import { dateOf, findNight, newestNights } from '../nights/read-nights.ts';
import type { NightSummary } from '../nights/summarise-night.ts';
import { summariseNight } from '../nights/summarise-night.ts';
import { marginText } from '../show/nights.ts';

/** A night in the control room's list. */
export interface ListedNight extends NightSummary {
  /** The day on which it ended, in the feed's zone. */
  date: string;
  /** The text of its verdict, as the page shows it. */
  word: string;
  /** When the last file was finished; null without files, or if one is unfinished. */
  finished: string | null;
  margin: string;
}

/** A night's view: the lists are cut at `maxRows`. */
export interface ShownNight extends ListedNight {
  details: string[];
  zone: string;
  expected: (NightEntry['expectations'][number] & { word: string })[];
  received: NightEntry['received'];
  earlier: NightEntry['earlier'];
  more: number;
}

const maxRows = 500;
/** Nights of each feed in the list. */
const shownNights = 30;

/** The nights of the control room, read from the night logs. Entries never change, so each is read once. */
export class NightHistory {
  readonly #lists = new Map<string, { head: string; nights: ListedNight[] }>();

  /** The newest first. @throws CliError if an entry was removed or changed */
  async list(feed: string, stack: NightStack): Promise<ListedNight[]> {
    const head = (await stack.ledger.getNight(feed))?.sha256 ?? '';
    const known = this.#lists.get(feed);
    if (known?.head === head) return known.nights;
    const nights = await newestNights(feed, shownNights, stack, listedNight);
    this.#lists.set(feed, { head: nights[0]?.hash ?? '', nights });
    return nights;
  }
}

/** @throws CliError if there is no such night */
export async function shownNight(feed: string, number: string, stack: NightStack): Promise<ShownNight> {
  const night = await findNight(feed, number, stack);
  const { received, earlier, expectations, deadline } = night.entry;
  return {
    ...listedNight(night),
    details: verdictOfNight(night.entry).details,
    zone: deadline?.time_zone ?? 'UTC',
    expected: [...expectations]
      .sort((a, b) => Number(isMissed(b)) - Number(isMissed(a)))
      .map((each) => ({ ...each, word: wordOfExpected(each) })),
    received: received.slice(0, maxRows),
    earlier: earlier.slice(0, maxRows),
    more: Math.max(0, received.length - maxRows) + Math.max(0, earlier.length - maxRows),
  };
}

function listedNight(night: StoredNight): ListedNight {
  const { received } = night.entry;
  const ends = received.map(({ finished }) => finished);
  const areAll = ends.length > 0 && ends.every((end) => end !== null);
  const summary = summariseNight(night);
  return {
    ...summary,
    date: dateOf(night.entry),
    word: nightWords[summary.verdict],
    finished: areAll
      ? (ends
          .filter((end) => end !== null)
          .sort()
          .at(-1) ?? null)
      : null,
    margin: marginText(summary),
  };
}
