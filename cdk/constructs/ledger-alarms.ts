import type { Alarms } from './alarms.ts';
import type { Ledger } from './ledger.ts';

/** What can go wrong with the table that all feeds share. */
export function addLedgerAlarms(alarms: Alarms, ledger: Ledger): void {
  for (const what of ['Read', 'Write'] as const) {
    alarms.add({
      name: `ledger-${what.toLowerCase()}s-throttled`,
      section: 'ledger-throttled',
      says: `DynamoDB throttles ${what.toLowerCase()}s of the ledger: the rate exceeds the limit of one item or of the AWS account.`,
      metric: ledger.throttles(what),
      threshold: 100,
      periods: 3,
    });
  }
}
