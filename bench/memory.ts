/** `npm run bench:memory`: the memory of each part of Sluice by the number of a file's records. */
import { parseArgs } from 'node:util';
import { growthOf, measureMemory } from './memory/measure-all.ts';
import { memoryParts } from './memory/memory-parts.ts';

const usage = `npm run bench:memory -- [options]
  --records N   may be repeated (default 100000, 1000000, 10000000: an hour of CPU)
  --part NAME   only this part; may be repeated: ${Object.keys(memoryParts).join(' | ')}
                (verify, evidence and receipts need the finalizer before them)`;

const { values } = parseArgs({
  options: {
    records: { type: 'string', multiple: true, default: ['100000', '1000000', '10000000'] },
    part: { type: 'string', multiple: true },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(usage);
else {
  const all = await measureMemory(values.records.map(Number), values.part, (figures) =>
    console.log(JSON.stringify(figures)),
  );
  for (const [part, growth] of Object.entries(growthOf(all))) console.log(`${part}: × ${growth.toFixed(2)}`);
}
