import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { StackOutputs } from '../stack/stack-outputs.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { amendmentsOf } from './amendments-of.ts';
import type { Amendment, AmendmentPorts } from './await-amendment.ts';
import type { RemovePorts } from './remove-resolved.ts';
import { removeResolved } from './remove-resolved.ts';
import type { ResolvePorts } from './resolve-by-hand.ts';
import { resolveByHand } from './resolve-by-hand.ts';
import { recordKey } from './select-dead.ts';

export interface ResolveToEndPorts extends Omit<ResolvePorts, 'ledger'>, Pick<RemovePorts, 'queues' | 'clock'> {
  ledger: ResolvePorts['ledger'] & AmendmentPorts['ledger'];
  readSummary: AmendmentPorts['readSummary'];
  outputs: Pick<StackOutputs, 'redrivePaths'>;
  terminal: Pick<Terminal, 'progress'>;
}

export interface ResolveEnd {
  /** The records that this call resolved. */
  resolved: number[];
  /** Letters that were taken out of the DLQ. */
  removed: number;
  amendments: Amendment[];
}

/** Marks dead records as handled, removes their letters, and waits until the file's manifest says so or the signal fires. */
export async function resolveToEnd(
  file: FileAccount,
  records: readonly number[],
  who: { by: string; why: string },
  ports: ResolveToEndPorts,
  signal: AbortSignal,
): Promise<ResolveEnd> {
  const resolved = await resolveByHand(file, records, who, ports, signal);
  const dlqUrls = ports.outputs.redrivePaths(file.feed, 'letters').map(({ dlqUrl }) => dlqUrl);
  const keys = new Set(resolved.map((record) => recordKey(file.fileId, record)));
  const removed = await removeResolved(keys, { ...ports, dlqUrls }, signal);
  const fileIds = resolved.length > 0 ? [file.fileId] : [];
  return { resolved, removed, amendments: await amendmentsOf(fileIds, ports, ports.terminal, signal) };
}
