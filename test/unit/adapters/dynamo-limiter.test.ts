import { expect, it } from 'vitest';
import { DynamoLimiter } from '../../../lambdas/adapters/dynamo-limiter.ts';
import type { DynamoTable } from '../../../lambdas/adapters/dynamo-table.ts';

/** One item in a table that takes its time. */
function slowTable(clock: { nowMs: number }, callMs: number) {
  let tat: number | undefined;
  const take = () => (clock.nowMs += callMs);
  const update = async (
    _pk: string,
    _sk: string,
    change: { UpdateExpression?: string; ExpressionAttributeValues?: object },
  ) => {
    take();
    const values = change.ExpressionAttributeValues as Record<string, number>;
    const [now = 0, span = 0, end] = [values[':now'], values[':span'], values[':end']];
    if (change.UpdateExpression?.startsWith('ADD')) {
      if (tat === undefined || tat < now) return undefined;
      tat += span;
    } else {
      if (tat !== undefined && tat >= now) return undefined;
      tat = end;
    }
    return { tat };
  };
  const get = async () => (take(), tat === undefined ? undefined : { tat });
  return { update, get } as unknown as DynamoTable;
}

it.each([5, 40, 300])('leases slots that have not passed when the table answers after %i ms', async (callMs) => {
  const clock = { nowMs: 1_000_000 };
  const limit = { requests: 600, windowSeconds: 10 };
  const limiter = new DynamoLimiter(slowTable(clock, callMs), { now: () => clock.nowMs }, 'api', limit, 'me');
  const lease = await limiter.leaseSlots(2);
  expect(lease).toMatchObject({ kind: 'leased', count: 2 });
  if (lease.kind === 'leased') expect(lease.firstSlotMs).toBeGreaterThanOrEqual(clock.nowMs);
});
