import { variableName } from '../../feeds/variable-name.ts';
import type { LimitFact, PauseFact } from '../core/limiter/policy-facts.ts';
import { limitText, pauseText } from '../core/limiter/policy-facts.ts';
import type { RateLimit } from '../core/limiter/limiter.ts';
import type { OpenBreaker } from '../core/limiter/open-breaker.ts';
import { breakerText } from '../core/limiter/open-breaker.ts';
import { clockText, doneText, durationText } from '../core/deadlines/deadline-text.ts';
import type { Projection } from '../core/deadlines/projection.ts';
import { paceOf, requestsFor } from '../core/deadlines/pace.ts';
import type { Shortfall } from '../core/deadlines/shortfall.ts';
import { sluiceOf } from '../core/notices/mail-lines.ts';
import type { ProjectedFeed } from '../deadlines/project-open-files.ts';

/** No one would read more; `sluice status` lists them all. */
const maxFiles = 20;

export interface DeadlineNews {
  feed: ProjectedFeed;
  /** At least one, the earliest deadline first. */
  shortfalls: readonly Shortfall[];
  breaker: OpenBreaker | undefined;
  limit?: LimitFact | undefined;
  /** The feed's own. */
  pause?: PauseFact | undefined;
  stackName: string;
  now: number;
}

/** Describes what is late, by how much, and what would help, as a message's subject and text. */
export function describeShortfalls(news: DeadlineNews): { subject: string; text: string } {
  const { feed, shortfalls } = news;
  const latest = Math.max(...shortfalls.map(({ lateBySeconds }) => lateBySeconds));
  const subject = `Sluice ${feed.feed}: LATE by ${durationText(latest)} for the deadline`;
  const sections = [
    ...shortfalls.map((shortfall) => shortfallSection(shortfall, news)),
    pauseSection(news),
    limitSection(news),
    breakerSection(news),
    whatHelps(news),
  ];
  return { subject, text: `${sections.filter((section) => section !== '').join('\n\n')}\n` };
}

function shortfallSection(shortfall: Shortfall, { feed, now, stackName }: DeadlineNews): string {
  const { deadlineAt, files, missingRecords, recordsToItsEnd, lateBySeconds } = shortfall;
  const zone = feed.deadline?.timeZone ?? 'UTC';
  const deadline = `${clockText(deadlineAt, zone, now)} (${zone})`;
  const state = deadlineAt <= now ? `were due by ${deadline} and are not done` : `will not be done by ${deadline}`;
  const about = files.some(({ isEstimated }) => isEstimated) ? 'about ' : '';
  const lines = [
    `${counted(files.length, 'file')} of the feed '${feed.feed}' ${state}: late by ${durationText(lateBySeconds)}, by the current projection.`,
    ...files.slice(0, maxFiles).map((file) => `  ${fileLine(file, zone, now)}`),
    ...(files.length > maxFiles ? [`  … and ${files.length - maxFiles} more:  ${sluiceOf(stackName)} status`] : []),
  ];
  if (recordsToItsEnd !== undefined) {
    lines.push(
      `Until the last of them is done, ${about}${counted(recordsToItsEnd, 'record')} must be sent, including those of files ahead of`,
      `them. ${paceSentence(shortfall)}`,
      `Of these files, ${about}${counted(missingRecords, 'record')} will miss the deadline.`,
    );
  }
  return lines.join('\n');
}

function fileLine(projection: Projection, zone: string, now: number): string {
  const { fileId, remainingRecords, isEstimated } = projection;
  const left =
    remainingRecords === undefined
      ? 'number of records not known yet'
      : `${isEstimated ? 'about ' : ''}${counted(remainingRecords, 'record')} left`;
  const done = doneText(projection, zone, now);
  return `file ${fileId}: ${[left, ...(done === undefined ? [] : [done])].join(', ')}`;
}

function paceSentence({ files, recordsPerSecond: perSecond, neededPerSecond: needed }: Shortfall): string {
  if (perSecond === undefined) return 'None was sent yet, so the rate is not known.';
  const isAtBest = files.some((file) => file.isAtBest);
  const now = `They ${isAtBest ? 'can be sent at' : 'are sent at'} ${rate(perSecond)} a second${isAtBest ? ' at most' : ''}`;
  return needed === undefined ? `${now}.` : `${now}; ${rate(needed)} a second would be needed.`;
}

function pauseSection({ pause, feed, stackName, now }: DeadlineNews): string {
  if (!pause) return '';
  return (
    `${feed.feed} is ${pauseText(pause, feed.deadline?.timeZone, now)}. The times above assume that it is resumed now:\n` +
    `  ${sluiceOf(stackName)} resume ${feed.feed}`
  );
}

function limitSection({ limit, feed, stackName, now }: DeadlineNews): string {
  if (!limit || limit.setBy === 'deployment') return '';
  const reset = `\nThe deployed limit applies again after:  ${sluiceOf(stackName)} limit ${feed.feed} --reset`;
  const text = `The API's limit is ${limitText(limit, feed.deadline?.timeZone, now)}.`;
  return `${text}${limit.setBy === 'operator' ? reset : ''}`;
}

function breakerSection({ breaker, pause, feed, now }: DeadlineNews): string {
  if (breaker === undefined) return '';
  const text = breakerText('the API', breaker, feed.deadline?.timeZone, now, pause !== undefined);
  return `${text} Every minute of this adds to the delay above.`;
}

function whatHelps({ feed, limit, shortfalls, stackName, now }: DeadlineNews): string {
  const needed = Math.max(0, ...shortfalls.map(({ neededPerSecond = 0 }) => neededPerSecond));
  const isSlow = shortfalls.some(({ recordsPerSecond }) => isBelow(recordsPerSecond, limit ?? feed.limit));
  const more = isSlow
    ? [
        '- A faster API: it answers more slowly than its limit allows, so a higher limit would not help. Ask its owner, and',
        '  see "Deadline at risk" in the runbook.',
      ]
    : feed.limit && needed > 0
      ? [
          `- A higher limit: the API's owner would have to allow ${requestsFor(needed, feed.limit.windowSeconds)} requests in ` +
            `${feed.limit.windowSeconds} s, where it allows`,
          `  ${feed.limit.requests}; then deploy with ${variableName(feed.feed, 'requests')} set to that.`,
        ]
      : [];
  const isAhead = shortfalls.some(({ deadlineAt }) => deadlineAt > now);
  return [
    'What would help:',
    ...more,
    `- Drop other urgent files into the express lane:  ${sluiceOf(stackName)} drop FILE --feed ${feed.feed} --express`,
    '  (not records of these files: in another file a record has another request id, and the API would have it twice)',
    `- See the order of files:  ${sluiceOf(stackName)} status`,
    isAhead
      ? '- Inform the people who wait for these files. You are notified again only if it gets much worse.'
      : '- Inform the people who wait for these files. Nothing is lost: they are sent completely.',
    'The runbook: docs/operations.md, "Deadline at risk".',
  ].join('\n');
}

/** The rate was measured, and the limit is not what holds the records up. */
function isBelow(perSecond: number | undefined, limit: RateLimit | undefined): boolean {
  return limit !== undefined && perSecond !== undefined && perSecond < paceOf(limit);
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

function rate(perSecond: number): string {
  if (perSecond < 1) return perSecond.toPrecision(2);
  return perSecond < 100 ? perSecond.toFixed(1).replace(/\.0$/, '') : Math.round(perSecond).toLocaleString('en-US');
}
