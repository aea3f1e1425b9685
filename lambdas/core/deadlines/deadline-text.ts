import type { Projection } from './projection.ts';

/** Times and durations as text, for messages about a deadline. */

/** `40 s`, `5 min`, `1 h 20 min`, `11 d 14 h`: two units at most. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return joined([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min']);
  const hours = Math.round(minutes / 60);
  return joined([Math.floor(hours / 24), 'd'], [hours % 24, 'h']);
}

function joined(...parts: [number, string][]): string {
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** `03:40`, or `24 Nov 03:40` if it is on another day than `now`: in that time zone, or as `03:40 UTC`. */
export function clockText(atMs: number, timeZone: string | undefined, nowMs: number): string {
  const zone = timeZone ?? 'UTC';
  const day = dayText(atMs, zone);
  const parts = [day === dayText(nowMs, zone) ? '' : day, timeText(atMs, zone), timeZone === undefined ? 'UTC' : ''];
  return parts.filter((part) => part !== '').join(' ');
}

/** `03:40 (in 2 h 10 min)`, `03:12 (5 min ago)`: the time as `clockText` has it, and its distance from now. */
export function momentText(atMs: number, timeZone: string | undefined, nowMs: number): string {
  const seconds = (atMs - nowMs) / 1000;
  const span = durationText(Math.abs(seconds));
  const distance = Math.abs(seconds) < 0.5 ? 'now' : seconds < 0 ? `${span} ago` : `in ${span}`;
  return `${clockText(atMs, timeZone, nowMs)} (${distance})`;
}

/** `America/New_York (GMT-5)`: names the zone of the times beside it. */
export function zoneText(timeZone: string, nowMs: number): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'shortOffset' }).formatToParts(nowMs);
  const offset = parts.find(({ type }) => type === 'timeZoneName')?.value;
  return offset === undefined || timeZone === 'UTC' ? timeZone : `${timeZone} (${offset})`;
}

const timeText = (atMs: number, timeZone: string) => formatsIn(timeZone).time.format(atMs);
const dayText = (atMs: number, timeZone: string) => formatsIn(timeZone).day.format(atMs);

const formats = new Map<string, Record<'time' | 'day', Intl.DateTimeFormat>>();

/** Cached: creating one takes longer than everything else in a short report. */
function formatsIn(timeZone: string): Record<'time' | 'day', Intl.DateTimeFormat> {
  const known = formats.get(timeZone) ?? {
    time: new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit' }),
    day: new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'short' }),
  };
  formats.set(timeZone, known);
  return known;
}

/**
 * `done about 03:40 (in 2 h)`; while the rate is not known, `done at the earliest 03:40 (in 2 h)`. Of a
 * paused feed: `resumed now, done about …`. Undefined if nothing is known yet.
 */
export function doneText(
  { doneAt, isAtBest, isPaused }: Pick<Projection, 'doneAt' | 'isAtBest' | 'isPaused'>,
  timeZone: string | undefined,
  nowMs: number,
): string | undefined {
  if (doneAt === undefined) return undefined;
  return `${isPaused ? 'resumed now, ' : ''}done ${isAtBest ? 'at the earliest' : 'about'} ${momentText(doneAt, timeZone, nowMs)}`;
}

/** `done about 03:40 (in 2 h 10 min), 1 h 20 min before the deadline`, or `LATE by 2 h`. Undefined if nothing is known yet. */
export function projectionText(
  projection: Projection,
  timeZone: string | undefined,
  nowMs: number,
): string | undefined {
  const { marginSeconds } = projection;
  const done = doneText(projection, timeZone, nowMs);
  if (marginSeconds === undefined) return done;
  const span = durationText(Math.abs(marginSeconds));
  if (marginSeconds >= 0) return [done, `${span} before the deadline`].join(', ');
  return [`LATE by ${span}${done === undefined ? ' already' : ''}`, ...(done === undefined ? [] : [done])].join(', ');
}
