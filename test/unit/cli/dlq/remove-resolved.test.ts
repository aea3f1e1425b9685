import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { removeResolved } from '../../../../cli/dlq/remove-resolved.ts';
import { recordKey } from '../../../../cli/dlq/select-dead.ts';
import type { DeadRecord } from '../../../../lambdas/core/account/file-account.ts';
import { letter as letterSchema } from '../../../../lambdas/messages.ts';
import { InMemoryQueues } from '../../../support/in-memory-queues.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

const folder = new URL('../../../fixtures/messages/v0.1/', import.meta.url);
const letter = letterSchema.parse(JSON.parse(readFileSync(new URL('letter.json', folder), 'utf8')));
const bodyOf = (record: number) => JSON.stringify({ ...letter, record });
const keyOf = (record: number) => recordKey(letter.file_id, record);

function begin(records: readonly number[]) {
  const clock = new SimulatedClock();
  const queues = new InMemoryQueues(clock);
  for (const record of records) queues.put('dlq', bodyOf(record));
  const resolved = new Set<number>();
  const getDead = async (_: string, record: number) =>
    ({ state: resolved.has(record) ? 'resolved' : 'dead' }) as DeadRecord;
  const ports = { queues, ledger: { getDead }, clock, dlqUrls: ['dlq'] };
  const remove = (keys: readonly number[]) =>
    clock.run(removeResolved(new Set(keys.map(keyOf)), ports, new AbortController().signal));
  return { queues, resolved, remove };
}

const some = Array.from({ length: 25 }, (_, index) => index + 1);

it('removes only letters that are named and whose records are resolved', async () => {
  const { queues, resolved, remove } = begin(some);
  for (const record of [3, 7, 9]) resolved.add(record);
  expect(await remove([3, 7, 8])).toBe(2);
  expect(queues.bodies('dlq')).toEqual(
    some
      .filter((record) => ![3, 7].includes(record))
      .map(bodyOf)
      .sort(),
  );
  expect(queues.visible('dlq')).toBe(23);
});

it('waits for letters that another process holds', async () => {
  const { queues, resolved, remove } = begin(some);
  for (const record of some) resolved.add(record);
  await queues.receive('dlq', 1);
  expect(await remove(some)).toBe(25);
  expect(queues.bodies('dlq')).toEqual([]);
});
