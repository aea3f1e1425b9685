/**
 * `npm run simulate:revisions`: more nights of a log that is exported again than `npm test` has, or the one of a seed that
 * failed.
 */
import { parseArgs } from 'node:util';
import { nightOf, passNight } from '../support/revision-night.ts';

const { values } = parseArgs({
  options: {
    nights: { type: 'string', default: '20000' },
    /** The first seed. */
    seed: { type: 'string', default: '1' },
    /** Prints what the night of the first seed is like. */
    show: { type: 'boolean', default: false },
  },
});
const [first, nights] = [Number(values.seed), Number(values.nights)];
if (values.show) console.dir(nightOf(first), { depth: 4 });
const states = new Map<string, number>();
let [failed, left] = [0, 0];
for (let seed = first; seed < first + nights; seed++) {
  try {
    const end = await passNight(seed);
    left += end.left;
    for (const state of end.states) states.set(state, (states.get(state) ?? 0) + 1);
  } catch (error) {
    failed++;
    console.error(`seed ${seed}:`, nights === 1 ? error : String(error));
  }
}
console.log(Object.fromEntries(states), `${left} that a newer one went on without`);
console.log(`${nights} nights, ${failed} of them wrong, ${Math.round(process.cpuUsage().user / 1e6)} s of CPU`);
process.exitCode = failed > 0 ? 1 : 0;
