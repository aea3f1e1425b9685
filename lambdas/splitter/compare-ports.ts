import type { FileAccount } from '../core/account/file-account.ts';
import type { RevisionRules } from '../core/series/revision-guard.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { KeepLease } from './keep-lease.ts';
import { leaseKeeper } from './keep-lease.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import type { ComparisonPorts } from './store-comparison.ts';

/** What a splitter needs to send only what changed. */
export interface TakeOverPorts extends Pick<SplitterPorts, 'clock' | 'finalize'> {
  ledger: SplitterPorts['ledger'];
}

export interface ComparePorts extends TakeOverPorts, Pick<SplitterPorts, 'sources' | 'feed'> {
  archive: ComparisonPorts['archive'];
  log: ComparisonPorts['log'];
  rules: RevisionRules;
}

/** What making a plan needs. */
export interface PlanPorts extends Pick<ComparePorts, 'sources' | 'feed' | 'rules'> {
  archive: Pick<ComparePorts['archive'], 'getStream'>;
}

/** With what, and in what time, a file is compared. */
export interface Comparing<Ports = ComparePorts> {
  ports: Ports;
  deadline: Deadline;
  keepLease: KeepLease;
  /** The file's bytes, if they are in memory. */
  whole?: Buffer | undefined;
}

/** For a file whose series is configured no more: nothing is sent of it without a person's decision. */
const nothingAllowed: RevisionRules = { guard: 0 };

/** Undefined where no series is configured: nothing is compared. */
export function comparing(
  ports: SplitterPorts,
  deadline: Deadline,
  { leaseOf, whole }: { leaseOf?: FileAccount; whole?: Buffer | undefined } = {},
): Comparing | undefined {
  const { archive, series } = ports;
  if (!archive) return undefined;
  const keepLease = leaseOf ? leaseKeeper(leaseOf, ports) : () => Promise.resolve();
  return { ports: { ...ports, archive, rules: series?.rules ?? nothingAllowed }, deadline, keepLease, whole };
}
