import { formatRate, oneLine } from '../terminal/format.ts';
import { countsOf } from './format-sections.ts';
import { shareOf } from './bar.ts';
import { secondsText, unansweredText } from './screen-texts.ts';
import type { PolledSnapshot } from './snapshot-poller.ts';
import type { LiveFile, Snapshot } from './snapshot.ts';

/** Unchanged lines are repeated at this interval. Milliseconds. */
const repeatEveryMs = 10_000;

interface Told {
  key: string;
  /** A line is printed when this changes. */
  what: string;
  text: string;
  isOnce?: true;
}

/**
 * What is new since the last snapshot, one line per file, for log files: each file when its step changes, and all of them at
 * intervals.
 */
export class PlainLines {
  readonly #now: () => number;
  #printed = new Map<string, { what: string; atMs: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The lines to print for this snapshot; none if nothing is new. */
  next({ snapshot, unanswered }: PolledSnapshot): string[] {
    const lines: Told[] = [];
    if (unanswered !== null) {
      lines.push({ key: 'unanswered', what: '', text: unansweredText(unanswered) });
    } else if (snapshot) lines.push(...this.#linesOf(snapshot));
    const now = this.#now();
    const kept = new Map<string, { what: string; atMs: number }>();
    const fresh = lines.filter(({ key, what, isOnce }) => {
      const before = this.#printed.get(key);
      const isNew = before?.what !== what || (isOnce !== true && now - before.atMs >= repeatEveryMs);
      kept.set(key, before && !isNew ? before : { what, atMs: now });
      return isNew;
    });
    this.#printed = kept;
    return fresh.map(({ text }) => text);
  }

  #linesOf(snapshot: Snapshot): Told[] {
    const at = `${secondsText(snapshot)} ${snapshot.zone}`;
    const summary = snapshot.headlines.map(({ text }) => text).join(' ');
    const tones = snapshot.headlines.map(({ tone }) => tone).join(' ');
    return [
      { key: 'summary', what: `${snapshot.files_under_way} ${tones}`, text: `${at}  ${summary}` },
      ...snapshot.files.map((file) => ({
        key: `file ${file.file_id}`,
        what: `${file.activity} ${file.open_dead_letters > 0}`,
        text: `${at}  ${describe(file, snapshot)}`,
      })),
      ...snapshot.closed.map((file) => ({
        key: `closed ${file.file_id}`,
        what: file.verdict,
        text: `${at}  ${oneLine(file.name, 60)}: ${oneLine(file.verdict, 200)}`,
        isOnce: true,
      })),
    ];
  }
}

function describe(file: LiveFile, { apis }: Snapshot): string {
  const rate = apis.find(({ feeds }) => feeds.includes(file.feed))?.measured_per_second;
  const parts = [
    `${oneLine(file.name, 60)}: ${file.activity}`,
    [shareOf(file), countsOf(file)].filter((part) => part !== '').join(', '),
    rate == null ? '' : formatRate(rate),
    file.open_dead_letters === 0 ? '' : `${file.open_dead_letters} dead`,
    file.projected ?? '',
  ];
  return parts.filter((part) => part !== '').join('  ');
}
