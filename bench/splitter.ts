/** `npm run bench:splitter`: how fast the splitter is beside what the machine can do at best. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { SpeedFigures } from './measure-speed.ts';
import { speedTable } from './print-splitter.ts';
import { splitterCases } from './splitter-cases.ts';

const usage = `npm run bench:splitter -- [options]
  --mb N          megabytes that each speed is measured over (default 256)
  --rounds N      rounds that the medians are of (default 7)
  --case NAME     only this case; may be repeated: ${splitterCases.map(({ name }) => name).join(' | ')}
  --json          one JSON document on stdout`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mb: { type: 'string', default: '256' },
      rounds: { type: 'string', default: '7' },
      case: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(usage);
  const say = values.json ? () => undefined : (line: string) => console.log(line);

  const names = values.case ?? splitterCases.map(({ name }) => name);
  const speeds: SpeedFigures[] = [];
  for (const name of names) {
    speeds.push(await inProcessOfItsOwn<SpeedFigures>('./measure-speed.ts', [name, values.mb, values.rounds]));
  }
  say(speedTable(speeds));

  if (values.json) console.log(JSON.stringify({ node: process.version, speeds }, null, 2));
}

/** So that none runs on code that V8 has shaped for another. With the function's own flags. */
async function inProcessOfItsOwn<Figures>(file: string, parameters: string[]): Promise<Figures> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const flags = [...process.execArgv, '--max-semi-space-size=4', '--expose-gc'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, path, ...parameters]);
  return JSON.parse(stdout) as Figures;
}

await main();
