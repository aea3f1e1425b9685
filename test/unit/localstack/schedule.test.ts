import { describe, expect, it } from 'vitest';
import { Schedule } from '../../../localstack/fake-avstar/schedule.ts';

const spot = { spot_id: 'S1', station: 'WABC', airtime: '06:00', duration_sec: 30, advertiser: 'Ann' };
const later = { ...spot, spot_id: 'S2', airtime: '07:00' };

function scheduleOf(replaces: boolean): Schedule {
  const schedule = new Schedule(replaces);
  schedule.store('r2', later);
  schedule.store('r1', spot);
  schedule.store('r3', { ...spot, advertiser: 'Bob' });
  return schedule;
}

describe('the fake API’s schedule by spot and airtime', () => {
  it('shows a spot that is there twice, whatever its request ids are', () => {
    const [first, second] = scheduleOf(false).bySpot();
    expect(first).toMatchObject({
      spot_id: 'S1',
      airtime: '06:00',
      entries: [{ request_id: 'r1' }, { request_id: 'r3' }],
    });
    expect(second?.entries).toHaveLength(1);
  });

  it('has the newest entry alone if it replaces, and still knows the id of the one before', () => {
    const schedule = scheduleOf(true);
    expect(schedule.bySpot().map(({ entries }) => entries.map(({ advertiser }) => advertiser))).toEqual([
      ['Bob'],
      ['Ann'],
    ]);
    expect([schedule.size, schedule.has('r1')]).toEqual([2, true]);
    schedule.clear();
    schedule.store('r1', spot);
    expect(schedule.bySpot()).toHaveLength(1);
  });

  it('has a moved spot in both places: nothing but its time identifies it', () => {
    const schedule = scheduleOf(true);
    schedule.store('r4', { ...spot, airtime: '08:00' });
    expect(schedule.bySpot().map(({ spot_id: id, airtime }) => `${id} ${airtime}`)).toEqual([
      'S1 06:00',
      'S1 08:00',
      'S2 07:00',
    ]);
  });
});
