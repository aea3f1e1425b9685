import { durationText, momentText } from '../../lambdas/core/deadlines/deadline-text.ts';
import { formatCount, formatRate, formatShare, oneLine } from '../terminal/format.ts';
import type { Line, Span } from '../terminal/lines.ts';
import { alignRows } from '../terminal/lines.ts';
import type { Glyphs } from './bar.ts';
import { fileBar, shareBar, shareOf } from './bar.ts';
import type { ClosedFile, DeadGroup, Headline, LiveApi, LiveExpected, LiveFile, LiveQueue } from './snapshot.ts';

export const toneStyles: Record<Headline['tone'], 'red' | 'yellow' | 'green' | undefined> = {
  alarm: 'red',
  warning: 'yellow',
  busy: 'green',
  calm: undefined,
};

/** The snapshot's time and zone. */
export interface When {
  zone: string;
  now: number;
}

export function title(text: string): Line {
  return [{ text, style: 'bold' }];
}

export function fileLines(files: readonly LiveFile[], columns: number, glyphs: Glyphs): Line[] {
  const isWide = columns >= 108;
  const nameWidth = Math.max(12, Math.min(34, Math.floor(columns * 0.25)));
  const rows = files.map((file) => [
    text(oneLine(file.name, nameWidth)),
    text(file.activity, activityStyle(file)),
    fileBar(file, isWide ? 14 : 8, glyphs),
    text(shareOf(file)),
    ...(isWide ? [text(countsOf(file))] : []),
    text(file.open_dead_letters === 0 ? '' : `${formatCount(file.open_dead_letters)} dead`, 'yellow'),
    text(columns >= 140 ? (file.projected ?? '') : shortProjection(file, isWide), isLate(file) ? 'red' : undefined),
  ]);
  return indented(alignRows(rows, isWide ? [3, 4] : [3]));
}

/** Short forms, if there is no room for a sentence. */
function shortProjection(file: LiveFile, isWide: boolean): string {
  const { done_about: about, deadline_margin_seconds: margin } = file;
  if (margin === null) return about ?? '';
  const span = durationText(Math.abs(margin));
  if (margin < 0) return `LATE by ${span}`;
  return isWide ? [about ?? '', `${span} early`].filter((part) => part !== '').join(', ') : (about ?? '');
}

export function apiLines(apis: readonly LiveApi[], glyphs: Glyphs, when: When): Line[] {
  const rows = apis.map((api) => {
    const { measured_per_second: measured, limit } = api;
    const share = measured === null || limit === null ? undefined : measured / limit.per_second;
    return [
      text(oneLine(api.feeds.join(', '), 30)),
      text(rateOf(api)),
      share === undefined ? [] : [...shareBar(share, 10, glyphs), { text: ` ${formatShare(share, 1)}` }],
      stateSpans(api, when),
    ];
  });
  return indented(alignRows(rows));
}

function rateOf({ measured_per_second: measured, limit }: LiveApi): string {
  const rate = measured === null ? undefined : formatRate(measured);
  if (limit === null) return ['into the record ledger', rate].filter((part) => part !== undefined).join(', ');
  const allowed = `${formatRate(limit.per_second)} allowed`;
  return rate === undefined ? allowed : `${rate} of ${allowed}`;
}

/** Why nothing is sent: a person has paused some of its feeds, the breaker is open for all of them, or both. */
function stateSpans(api: LiveApi, when: When): Line {
  const { paused, breaker, paused_until: until } = api;
  if (paused.length === 0) return breakerSpans(api, when);
  const names = text(`PAUSED: ${paused.map(({ feed }) => feed).join(', ')}`, 'red');
  return breaker === 'open' || until !== null ? [...names, { text: ', ' }, ...breakerSpans(api, when)] : names;
}

function breakerSpans(api: LiveApi, when: When): Line {
  const { url, breaker, breaker_reason: reason, breaker_since: since, paused_until: until } = api;
  const next = until === null ? '' : ` until ${timeOf(until, when)}`;
  if (breaker === 'open') {
    const from = since === null ? '' : ` since ${timeOf(since, when)}`;
    return text(`breaker OPEN (${reason ?? 'no reason given'})${from}${next}`, 'red');
  }
  if (until !== null) return text(`paused${next}`, 'yellow');
  return text(url === null ? '' : 'breaker closed', 'dim');
}

export function deadLines(groups: readonly DeadGroup[], isPartial: boolean): Line[] {
  const rows = groups.map((group) => [
    text(`${formatCount(group.count)}${isPartial ? '+' : ''}`, 'yellow'),
    text(group.outcome),
    text(oneLine(group.reason, 40)),
    text(group.feed, 'dim'),
  ]);
  return indented(alignRows(rows, [0]));
}

const expectedStyles: Record<LiveExpected['state'], Span['style']> = {
  ...{ missing: 'red', too_few: 'red', late: 'yellow', not_due: undefined, met: 'green' },
};

export function expectedLines(expected: readonly LiveExpected[]): Line[] {
  const rows = expected.map(({ text: words, state, history, feed }) => [
    text(oneLine(words, 200), expectedStyles[state]),
    text(history ?? '', 'dim'),
    text(feed, 'dim'),
  ]);
  return indented(alignRows(rows));
}

/** Lanes with messages in a queue. */
export function queueLines(queues: readonly LiveQueue[]): Line[] {
  const full = queues.filter(({ messages, dead_messages: dead }) => messages + dead > 0);
  if (full.length === 0) return queues.length === 0 ? [] : indented([text('all empty', 'dim')]);
  const lanes = new Set(full.map(({ feed, lane }) => nameOfLane(feed, lane)));
  const kinds = ['intake', 'records', 'letters', 'finalize'] as const;
  const rows = [...lanes].map((name) => {
    const ofLane = queues.filter(({ feed, lane }) => nameOfLane(feed, lane) === name);
    const depths = kinds.map((kind) => ofLane.find(({ queue }) => queue === kind)?.messages);
    const dead = ofLane.filter(({ dead_messages: count }) => count > 0);
    return [
      text(name),
      ...depths.map((depth) => text(depth === undefined ? '' : formatCount(depth))),
      text(dead.map(({ queue, dead_messages: count }) => `${formatCount(count)} ${queue}`).join(', '), 'yellow'),
    ];
  });
  const titles = ['', ...kinds, 'in DLQs'].map((name) => text(name, 'dim'));
  return indented(alignRows([titles, ...rows], [1, 2, 3, 4]));
}

function nameOfLane(feed: string, lane: string | null): string {
  return lane === 'express' ? `${feed} express` : feed;
}

export function closedLines(closed: readonly ClosedFile[], when: When): Line[] {
  const rows = closed.map((file) => [
    text(oneLine(file.name, 34)),
    text(`${formatCount(file.total_records ?? 0)} records`),
    text(oneLine(file.verdict, 60), toneStyles[file.tone]),
    text(timeOf(file.completed ?? file.updated, when), 'dim'),
  ]);
  return indented(alignRows(rows, [1]));
}

export function countsOf(file: LiveFile): string {
  const { settled_records: done, expected_records: expected, total_records: total } = file;
  if (expected === null) return '';
  return `${formatCount(done)} of ${total === null ? 'about ' : ''}${formatCount(expected)}`;
}

function activityStyle({ activity }: LiveFile): Span['style'] {
  return activity === 'stopped' || activity === 'paused'
    ? 'red'
    : activity === 'held back' || activity === 'waiting'
      ? 'yellow'
      : undefined;
}

export const isLate = ({ deadline_margin_seconds: margin }: LiveFile): boolean => margin !== null && margin < 0;

const timeOf = (iso: string, { zone, now }: When): string => momentText(Date.parse(iso), zone, now);

const text = (of: string, style?: Span['style']): Line => [{ text: of, style }];

const indented = (lines: readonly Line[]): Line[] => lines.map((line) => [{ text: '  ' }, ...line]);
