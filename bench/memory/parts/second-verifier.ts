import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { peakOf } from '../../delivery/cpu-by-part.ts';
import type { RunPart } from '../memory-part.ts';

const script = resolve(import.meta.dirname, '../../../test/verifier/verify.py');
const lookEveryMs = 50;

/** A process of Python's. */
export const run: RunPart = async (records, root) => {
  const manifest = join(root, String(records), 'manifest.json');
  const child = spawn('python3', ['-B', script, manifest], { stdio: ['ignore', 'ignore', 'inherit'] });
  let peakMb = 0;
  const look = setInterval(() => (peakMb = peakOf(child.pid ?? 0) ?? peakMb), lookEveryMs);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(look);
  if (code !== 0) throw new Error(`The second verifier ended with ${code}.`);
  return peakMb;
};
