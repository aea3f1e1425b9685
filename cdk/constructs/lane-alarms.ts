import type { Settings } from '../settings.ts';
import type { Alarms } from './alarms.ts';
import type { Lane } from './lane.ts';
import { aged, errorsOf, throttlesOf, visible } from './metrics-of.ts';

/** If an announcement or a letter waits longer than this, something is wrong. Seconds. */
const plannedWaitSeconds = 3600;

/** What can go wrong with a lane's queues and functions. */
export function addLaneAlarms(alarms: Alarms, { horizonSeconds }: Settings, lane: Lane): void {
  const { id } = lane.settings;
  alarms.add({
    name: `${id}-dead-letters`,
    section: 'dead-letters',
    says: `Records of ${id} failed and need attention: their letters are in the DLQ.`,
    metric: visible(lane.letters.dlq),
    threshold: 1,
    notifiesEnd: true,
  });
  for (const [what, queue] of [['file', lane.intake.dlq] as const, ['batch', lane.records.dlq] as const]) {
    alarms.add({
      name: `${id}-${what}-given-up`,
      section: 'work-given-up',
      says: `A ${what} of ${id} is in a DLQ: its function failed as often as SQS allows.`,
      metric: visible(queue),
      threshold: 1,
    });
  }
  const waits = [
    // A file is cut ahead of the API by at most the horizon.
    { what: 'batch', queue: lane.records.queue, seconds: 2 * horizonSeconds },
    { what: 'file', queue: lane.intake.queue, seconds: plannedWaitSeconds },
    { what: 'letter', queue: lane.letters.queue, seconds: plannedWaitSeconds },
  ];
  for (const { what, queue, seconds } of waits) {
    alarms.add({
      name: `${id}-${what}-waits-too-long`,
      section: 'work-waits-too-long',
      says: `A ${what} of ${id} has waited at least ${seconds} s, which is longer than planned.`,
      metric: aged(queue),
      threshold: seconds,
      periods: 3,
    });
  }
  for (const part of ['splitter', 'consumer'] as const) {
    alarms.add({
      name: `${id}-${part}-errors`,
      section: 'function-errors',
      says: `The ${part} of ${id} failed, or was killed, in two of the last three periods of five minutes.`,
      metric: errorsOf(lane[part]),
      threshold: 1,
      periods: 2,
      of: 3,
    });
    alarms.add({
      name: `${id}-${part}-throttled`,
      section: 'throttled',
      says: `Lambda throttles the ${part} of ${id}: the AWS account runs as many functions as its quota allows.`,
      metric: throttlesOf(lane[part]),
      threshold: 10,
      periods: 3,
    });
  }
}
