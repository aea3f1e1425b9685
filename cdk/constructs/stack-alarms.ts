import { Duration } from 'aws-cdk-lib';
import type { Settings } from '../settings.ts';
import type { Alarms } from './alarms.ts';
import type { Finalizer } from './finalizer.ts';
import type { Ledger } from './ledger.ts';
import { aged, errorsOf, visible } from './metrics-of.ts';
import type { Reconciler } from './reconciler.ts';

/** The finalizer asks again by itself while letters are being redriven: a quarter of an hour at most. Seconds. */
const longestGathering = 3600;

export interface WatchedStack {
  ledger: Ledger;
  finalizer: Finalizer;
  reconciler: Reconciler;
}

/** What can go wrong with what all feeds share. */
export function addStackAlarms(
  alarms: Alarms,
  settings: Settings,
  { ledger, finalizer, reconciler }: WatchedStack,
): void {
  alarms.add({
    name: 'account-not-closed',
    section: 'account-not-closed',
    says: 'A file whose records are all accounted for could not be finalized: its message lies in the DLQ.',
    metric: visible(finalizer.dlq),
    threshold: 1,
  });
  alarms.add({
    name: 'finalizer-waits',
    section: 'finalizer-waits',
    says: 'The finalizer is behind: a message has waited for it for an hour.',
    metric: aged(finalizer.queue),
    threshold: longestGathering,
    periods: 3,
  });
  alarms.add({
    name: 'finalizer-errors',
    section: 'finalizer-errors',
    says: 'The finalizer failed, or was killed, in two of the last three periods of five minutes.',
    metric: errorsOf(finalizer.function),
    threshold: 1,
    periods: 2,
    of: 3,
  });
  alarms.add({
    name: 'reconciler-errors',
    section: 'reconciler-errors',
    says: 'The reconciler failed twice in a row: nobody picks up what stalls, and the desk may not be told.',
    metric: reconciler.function.metricErrors({
      statistic: 'Sum',
      period: Duration.minutes(settings.reconciler.everyMinutes),
    }),
    threshold: 1,
    periods: 2,
  });
  alarms.add({
    name: 'reconciler-silent',
    section: 'reconciler-silent',
    says: 'The reconciler did not run for an hour: alarms that go by its figures mean nothing now.',
    metric: reconciler.function.metricInvocations({ statistic: 'Sum', period: Duration.hours(1) }),
    threshold: 1,
    isFloor: true,
    silence: 'wrong',
  });
  for (const what of ['Read', 'Write'] as const) {
    alarms.add({
      name: `ledger-${what.toLowerCase()}s-throttled`,
      section: 'ledger-throttled',
      says: `DynamoDB turns down ${what.toLowerCase()}s of the ledger: more than one item can take, or the account may.`,
      metric: ledger.throttles(what),
      threshold: 100,
      periods: 3,
    });
  }
}
