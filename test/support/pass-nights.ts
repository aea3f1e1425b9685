import { expect, it } from 'vitest';
import { passNight } from './revision-night.ts';

/** With the others of their kind, as many as fit in a minute and a half of two cores; for more, `npm run simulate:revisions`. */
const nights = 1000;

/** A part of the nights, so that the parts run side by side. @param part from 0 */
export function passNights(part: number): void {
  const first = 1 + part * nights;
  const last = first + nights - 1;
  it(
    `nights ${first} to ${last} of a log that is exported again leave the API with the newest revision`,
    { timeout: 600_000 },
    async () => {
      const states = new Set<string>();
      let [unchanged, left] = [0, 0];
      for (let seed = first; seed <= last; seed++) {
        const end = await passNight(seed).catch((error: unknown) => {
          throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
        });
        unchanged += end.unchanged;
        left += end.left;
        for (const state of end.states) states.add(state);
      }
      // A simulation in which nothing is compared, held or late would show nothing.
      expect(unchanged).toBeGreaterThan(3 * nights);
      expect(left).toBeGreaterThan(nights / 50);
      expect([...states]).toEqual(
        expect.arrayContaining([
          'completed',
          'superseded: older_revision',
          'superseded: newer_revision',
          'quarantined: revision_differs',
        ]),
      );
    },
  );
}
