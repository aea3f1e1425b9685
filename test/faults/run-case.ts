import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { FaultsInput } from '../../localstack/fake-avstar/faults.ts';
import type { CallCounts } from '../../localstack/fault-proxy/call-counts.ts';
import type { ProxyFaultsInput } from '../../localstack/fault-proxy/proxy-faults.ts';
import type { DeployedStack, Dropped } from '../support/deployed-stack.ts';
import type { CheckOptions } from './check-account.ts';
import { checkAccount } from './check-account.ts';
import type { KnownExport } from './known-export.ts';
import { dropExport, makeExport } from './known-export.ts';

export interface FaultCase {
  /** Told with the result. */
  name: string;
  rows: number;
  /** Of the file: no two cases may have the same, nor the same bytes. */
  seed: number;
  api?: FaultsInput;
  /** The same for spots of the export, whose ends it changes in `truth`. */
  poison?: (truth: KnownExport) => FaultsInput;
  aws?: ProxyFaultsInput;
  /** Goes on beside the work; it is waited for. */
  during?: (dropped: Dropped) => Promise<void>;
  letters?: CheckOptions['letters'];
  /** For each of the waits. */
  timeoutMs?: number;
}

/** Drops an export while these faults strike, until its account is closed; then checks the account. */
export async function runCase(stack: DeployedStack, fault: FaultCase): Promise<Manifest> {
  const { name, rows, seed, api = {}, poison, aws = {}, during, letters = 'once', timeoutMs = 240_000 } = fault;
  const before = await counts(stack);
  const truth = makeExport(rows, seed);
  try {
    await stack.setFaults({ ...api, ...poison?.(truth) });
    if (stack.cloud.proxyUrl !== null) await stack.setAwsFaults(aws);
    const dropped = await dropExport(stack, truth);
    await Promise.all([during?.(dropped), stack.manifestOf(dropped.fileId, 1, timeoutMs)]);
    await endFaults(stack);
    const manifest = await checkAccount(stack, dropped, truth, { letters, timeoutMs });
    console.log(
      `${name}: ${rows} records, ${manifest.times.duration_seconds} s, struck: ${told(before, await counts(stack))}`,
    );
    return manifest;
  } finally {
    await endFaults(stack);
  }
}

export async function endFaults(stack: DeployedStack): Promise<void> {
  await stack.setFaults({});
  if (stack.cloud.proxyUrl !== null) await stack.setAwsFaults({});
}

/** How often each fault has struck so far. */
async function counts(stack: DeployedStack): Promise<Map<string, number>> {
  const { faults, byStatus } = await stack.apiStats();
  const calls: CallCounts = stack.cloud.proxyUrl === null ? {} : await stack.awsCalls();
  const struck = new Map(Object.entries(faults));
  for (const status of ['401', '429', '409']) struck.set(`http ${status}`, byStatus[status] ?? 0);
  for (const [call, { faults: byKind }] of Object.entries(calls)) {
    for (const [kind, times] of Object.entries(byKind)) {
      const key = `${call.split('.')[0] ?? ''} ${kind}`;
      struck.set(key, (struck.get(key) ?? 0) + times);
    }
  }
  return struck;
}

function told(before: Map<string, number>, after: Map<string, number>): string {
  const grown = [...after].map(([key, times]) => [key, times - (before.get(key) ?? 0)] as const);
  const struck = grown.filter(([, times]) => times > 0).map(([key, times]) => `${key} ${times}`);
  return struck.join(', ') || 'nothing';
}
