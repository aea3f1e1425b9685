import type { RevisionRules } from '../core/series/revision-guard.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import type { ComparisonPorts } from './store-comparison.ts';

/** What a splitter needs to send only what changed. */
export interface TakeOverPorts extends Pick<SplitterPorts, 'clock' | 'finalize'> {
  ledger: SplitterPorts['ledger'];
}

export interface ComparePorts extends TakeOverPorts, Pick<SplitterPorts, 'sources' | 'feed' | 'series'> {
  archive: ComparisonPorts['archive'];
  log: ComparisonPorts['log'];
  rules: RevisionRules;
}
