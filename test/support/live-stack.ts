import type { SnapshotPorts, SnapshotScope } from '../../cli/live/read-snapshot.ts';
import { SnapshotReader } from '../../cli/live/read-snapshot.ts';
import { StackOutputs } from '../../cli/stack/stack-outputs.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { sumCounts } from '../../lambdas/core/account/outcome.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import { InMemoryLimiterStore } from './in-memory-limiter-store.ts';
import { SimulatedClock } from './simulated-clock.ts';

const api = {
  id: 'avstar',
  url: 'https://avstar.example',
  requests: 600,
  windowSeconds: 60,
  connections: 1,
  consumers: 1,
};
const deadline = { hour: 5, minute: 0, timeZone: 'America/New_York' };
const queueNames = ['Intake', 'Records', 'Letters'];

/** A stack's outputs, each queue's URL being its name: the feed `traffic` with both lanes. */
export function liveOutputs(deadlineHour = deadline.hour): StackOutputs {
  return new StackOutputs('sluice-test', liveValues(deadlineHour));
}

export function liveValues(deadlineHour = deadline.hour): Record<string, string> {
  const values: Record<string, string> = {
    TrafficApi: JSON.stringify({ ...api, deadline: { ...deadline, hour: deadlineHour } }),
    TrafficFinalizeQueueUrl: 'finalize',
    TrafficFinalizeDlqUrl: 'finalize-dlq',
  };
  for (const lane of ['Traffic', 'TrafficExpress']) {
    for (const name of queueNames) values[`${lane}${name}QueueUrl`] = `${lane}-${name}`;
    for (const name of ['SplitterName', 'ConsumerName']) values[`${lane}${name}`] = `${lane}-${name}`;
    for (const name of ['IntakeDlq', 'RecordsDlq', 'Dlq']) values[`${lane}${name}Url`] = `${lane}-${name}`;
  }
  return values;
}

/** A stack in memory, as `watch` and the control room look at it, at 02:00 UTC: eight hours before the deadline. */
export class LiveStack {
  readonly clock = new SimulatedClock();
  readonly ledger = openMemoryLedger(this.clock);
  readonly limiter = new InMemoryLimiterStore();
  /** Messages by queue. */
  readonly messages = new Map<string, number>();
  readonly requests = { counts: 0, summaries: 0 };

  reader(scope: Partial<SnapshotScope> = {}, ports: Partial<SnapshotPorts> = {}): SnapshotReader {
    return new SnapshotReader(
      { stack: 'sluice-test', cloud: 'AWS', feeds: ['traffic'], ...scope },
      {
        ledger: this.ledger,
        limiterOf: () => this.limiter,
        outputs: liveOutputs(),
        count: async (url) => {
          this.requests.counts++;
          return this.messages.get(url) ?? 0;
        },
        readSummary: async (file) => {
          this.requests.summaries++;
          return manifestOf(file);
        },
        settingsTrouble: () => undefined,
        switchOf: async () => 'on' as const,
        clock: this.clock,
        ...ports,
      },
    );
  }

  add(file: FileAccount): void {
    this.ledger.files.set(file.fileId, file);
  }
}

/** As far as anybody looks at it here. */
export function manifestOf(file: FileAccount): Manifest {
  const { settled } = file;
  const counts = Object.fromEntries(Object.entries(settled).map(([name, count]) => [`${name}_records`, count]));
  return {
    ...counts,
    state: 'completed',
    reconciled: true,
    removed_records: 0,
    total_records: sumCounts(settled),
    dead_lettered_records: settled.rejected + settled.refused + settled.exhausted,
    resolved_records: 0,
  } as unknown as Manifest;
}
