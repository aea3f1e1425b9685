/**
 * `npm run simulate:revisions`: more nights of a log that is exported again than `npm test` has, the one of a seed that
 * failed, or, with `--mutations`, nights on code with defects, each of which they must find.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { mutations } from './mutations.ts';
import { putIn } from './put-in.ts';

/** `npm test` passes so many. */
const nightsOfTests = 4000;

/** For the nights with one mutation: some let a function wait for ever. Milliseconds. */
const longestMs = 20 * 60_000;

const { values } = parseArgs({
  options: {
    nights: { type: 'string' },
    /** The first seed. */
    seed: { type: 'string', default: '1' },
    /** Prints what the night of the first seed is like. */
    show: { type: 'boolean', default: false },
    /** Puts each mutation in, or those whose names have this text. Fails if one is not found. */
    mutations: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    /** Puts the one of this name in, and ends with the first night that finds it. */
    mutation: { type: 'string' },
  },
});
const first = Number(values.seed);
if (values.mutations) findMutations();
else await passNights();

async function passNights(): Promise<void> {
  const mutation = mutations.find(({ name }) => name === values.mutation);
  if (mutation) putIn(mutation);
  // Only now: what is imported is mutated.
  const { passNight } = await import('../support/revision-night.ts');
  if (values.show) console.dir((await import('../support/draw-revision-night.ts')).nightOf(first), { depth: 4 });
  const nights = Number(values.nights ?? (mutation ? nightsOfTests : 20_000));
  const states = new Map<string, number>();
  let [failed, left] = [0, 0];
  for (let seed = first; seed < first + nights && !(mutation && failed > 0); seed++) {
    try {
      const end = await passNight(seed);
      left += end.left;
      for (const state of end.states) states.set(state, (states.get(state) ?? 0) + 1);
    } catch (error) {
      failed++;
      console.error(`seed ${seed}:`, nights === 1 ? error : String(error));
    }
  }
  process.exitCode = failed > 0 ? 1 : 0;
  if (mutation) return;
  console.log(Object.fromEntries(states), `${left} that a newer one went on without`);
  console.log(`${nights} nights, ${failed} of them wrong, ${Math.round(process.cpuUsage().user / 1e6)} s of CPU`);
}

/** Each in a process of its own. */
function findMutations(): void {
  const [script = ''] = process.argv.slice(1);
  const missed = mutations.filter(({ name }) => {
    if (!name.includes(values.only)) return false;
    const nights = values.nights === undefined ? [] : ['--nights', values.nights];
    const run = spawnSync(process.execPath, [script, '--mutation', name, '--seed', values.seed, ...nights], {
      encoding: 'utf8',
      timeout: longestMs,
    });
    const found = run.error ? 'a night does not end' : /^seed .*$/m.exec(run.stderr)?.[0];
    console.log(`${name}\n  ${found ?? `NOT FOUND${run.status === 0 ? '' : `: ${run.stderr}`}`}`);
    return found === undefined;
  });
  console.log(`${missed.length} of the mutations were not found`);
  process.exitCode = missed.length > 0 ? 1 : 0;
}
