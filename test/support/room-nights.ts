import { nightKey } from '../../lambdas/core/ledger/ledger-keys.ts';
import type { Item } from '../../lambdas/core/ledger/item-change.ts';
import { NightWorld } from './night-world.ts';
import type { RoomFixture } from './room-fixture.ts';

/** Three nights: one with dead letters, one whose expected file is missing, and one that is not finished. */
export async function threeNights(): Promise<NightWorld> {
  const world = new NightWorld();
  const by = { hour: 1, minute: 30, timeZone: 'UTC' };
  const file = { name: 'WXYZ', key: 'WXYZ_{yyyyMMdd}*.csv', by, records: 1 };
  await world.at('2026-11-20T03:00:00Z').write();
  await world.at('2026-11-20T23:00:00Z').receive('WABC_20261121');
  await world.at('2026-11-21T01:18:00Z').close('WABC_20261121');
  const since = Date.parse('2026-11-21T12:00:00Z');
  await world.ledger.saveExpected('traffic', { files: [{ file, since, nights: [] }] });
  await world.at('2026-11-21T02:05:00Z').write();
  await world.at('2026-11-22T02:05:00Z').write();
  await world.at('2026-11-22T23:00:00Z').receive('WXYZ_20261123');
  await world.at('2026-11-23T02:05:00Z').write();
  return world;
}

/** Puts a night log into a control room's stack. */
export function addNights({ archive, ledger }: RoomFixture, world: NightWorld): void {
  for (const [key, bytes] of world.objects) if (key.startsWith('nights/')) archive.set(key, bytes);
  const key = nightKey('traffic');
  ledger.store.plant(world.ledger.store.peek(key) as Item, key);
}
