import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import { outcomes } from '../../../lambdas/core/account/outcome.ts';
import { systemClock } from '../../../lambdas/adapters/system-clock.ts';
import { readManifest } from '../../archive/read-archive.ts';
import type { Figures } from '../../show/manifest-table.ts';
import type { OpenStack } from '../../stack/open-stack.ts';
import { formatCount, formatRate } from '../../terminal/format.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** Manifests read at once. */
const readsAtOnce = 16;
const pollEveryMs = 2_000;

/** The manifests' sums, whether each stands for one file or for a bundle. */
export function sumManifests(
  manifests: Iterable<Manifest>,
): Figures & { dead_lettered_records: number; reconciled: boolean } {
  const sum = { total_records: 0, resolved_records: 0, dead_lettered_records: 0, reconciled: true } as ReturnType<
    typeof sumManifests
  >;
  for (const outcome of outcomes) sum[`${outcome}_records`] = 0;
  for (const manifest of manifests) {
    sum.total_records += manifest.total_records;
    sum.resolved_records += manifest.resolved_records;
    sum.dead_lettered_records += manifest.dead_lettered_records;
    sum.reconciled &&= manifest.reconciled;
    for (const outcome of outcomes) sum[`${outcome}_records`] += manifest[`${outcome}_records`];
  }
  return sum;
}

/** Waits until the manifests account for that many records. @throws when the signal fires */
export async function awaitRecords(
  records: number,
  feed: string,
  stack: OpenStack,
  terminal: Pick<Terminal, 'progress' | 'endProgress'>,
  signal: AbortSignal,
): Promise<Map<string, Manifest>> {
  const manifests = new Map<string, Manifest>();
  const begunMs = systemClock.now();
  for (;;) {
    const closed = await stack.ledger.listFiles(feed, 'closed', Infinity);
    const unread = closed.filter((file) => file.manifest && !manifests.has(file.fileId));
    for (let from = 0; from < unread.length; from += readsAtOnce) {
      const some = unread.slice(from, from + readsAtOnce);
      const read = await Promise.all(some.map((file) => readManifest(stack, file)));
      for (const { manifest } of read) manifests.set(manifest.file_id, manifest);
      signal.throwIfAborted();
    }
    const done = sumManifests(manifests.values()).total_records;
    const rate = formatRate((done * 1000) / Math.max(1, systemClock.now() - begunMs));
    terminal.progress('follow', `  ${formatCount(done)} of ${formatCount(records)} records accounted for, ${rate}`);
    if (done >= records) break;
    await systemClock.sleep(pollEveryMs, signal);
    signal.throwIfAborted();
  }
  terminal.endProgress();
  return manifests;
}
