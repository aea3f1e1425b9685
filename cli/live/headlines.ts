import type { BreakerReason } from '../../lambdas/core/limiter/breaker.ts';
import { clockText, durationText } from '../../lambdas/core/deadlines/deadline-text.ts';
import type { Projection } from '../../lambdas/core/deadlines/projection.ts';
import { formatCount, formatCountOf } from '../terminal/format.ts';
import type { DeadGroup, Headline, LiveApi, LiveQueue } from './snapshot.ts';

export interface Facts {
  filesUnderWay: number;
  /** Of all open files. */
  projections: readonly Projection[];
  apis: readonly LiveApi[];
  queues: readonly LiveQueue[];
  dead: { groups: readonly DeadGroup[]; isPartial: boolean };
  /** The feeds' time zone, in which times are shown. */
  zoneOf: (feed: string) => string | undefined;
  now: number;
}

const why: Record<BreakerReason, string> = {
  throttled: 'it answers "too many requests"',
  unauthorised: 'it refuses the token',
  outage: 'it does not answer properly',
  refusing: 'it refuses every record',
};

/** The headlines: what is wrong, then what is in progress, then what waits for a person. */
export function headlinesOf(facts: Facts): Headline[] {
  return [...breakersOf(facts), underWayOf(facts), ...deadOf(facts), ...givenUpOf(facts)];
}

function breakersOf({ apis, now }: Facts): Headline[] {
  return apis.flatMap((api): Headline[] => {
    const until = api.paused_until === null ? '' : ` Nothing is sent before ${timeOf(api.paused_until, now)}.`;
    const name = `The API of ${api.feeds.join(' and ')}`;
    if (api.breaker === 'open') {
      const reason = api.breaker_reason === null ? '' : `: ${why[api.breaker_reason]}`;
      return [{ tone: 'alarm', text: `${name} gets no records, the breaker is open${reason}.${until}` }];
    }
    return until === '' ? [] : [{ tone: 'warning', text: `${name} asked for a pause.${until}` }];
  });
}

function underWayOf({ filesUnderWay, projections, zoneOf, now }: Facts): Headline {
  if (filesUnderWay === 0) return { tone: 'calm', text: 'Nothing is in progress.' };
  const files = `${formatCountOf(filesUnderWay, 'file')} in progress`;
  const late = projections.filter(({ marginSeconds }) => marginSeconds !== undefined && marginSeconds < 0);
  const [worst] = [...late].sort((a, b) => (a.marginSeconds ?? 0) - (b.marginSeconds ?? 0));
  if (worst) {
    const by = `by ${durationText(-(worst.marginSeconds ?? 0))}`;
    const which =
      filesUnderWay === 1 ? 'it will miss the deadline' : `${formatCount(late.length)} will miss the deadline`;
    return { tone: 'alarm', text: `${files}; ${which}${late.length > 1 ? ', the last' : ''} ${by}.` };
  }
  const last = [...projections].sort((a, b) => (b.doneAt ?? Infinity) - (a.doneAt ?? Infinity))[0];
  if (last?.doneAt === undefined) return { tone: 'busy', text: `${files}.` };
  const done = `done about ${clockText(last.doneAt, zoneOf(last.feed), now)}`;
  const margins = projections.flatMap(({ marginSeconds }) => marginSeconds ?? []);
  const margin = margins.length === 0 ? '' : `, ${durationText(Math.min(...margins))} before the deadline`;
  return { tone: 'busy', text: `${files}; ${filesUnderWay === 1 ? '' : 'all '}${done}${margin}.` };
}

function deadOf({ dead: { groups, isPartial } }: Facts): Headline[] {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0) return [];
  const letters = `${isPartial ? 'More than ' : ''}${formatCountOf(count, 'dead letter')}`;
  return [{ tone: 'warning', text: `${letters} ${count === 1 && !isPartial ? 'needs' : 'need'} attention.` }];
}

/** Batches that ended their function at every receive. */
function givenUpOf({ queues }: Facts): Headline[] {
  const count = queues
    .filter(({ queue }) => queue !== 'letters')
    .reduce((sum, { dead_messages: messages }) => sum + messages, 0);
  if (count === 0) return [];
  const text = `${formatCountOf(count, 'message')} of failed work ${count === 1 ? 'is' : 'are'} in the DLQs.`;
  return [{ tone: 'alarm', text }];
}

const timeOf = (iso: string, now: number): string => clockText(Date.parse(iso), undefined, now);
