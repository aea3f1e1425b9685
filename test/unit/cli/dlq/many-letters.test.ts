import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const script = resolve(import.meta.dirname, '../../../../bench/whole/measure-dead-letters.ts');

/** A process with too little memory is ended by V8. */
const flags = ['--max-semi-space-size=4', '--max-old-space-size=70'];

it.each(['list', 'control room'])(
  'the %s of 40,000 letters of about 1 KB fits into a heap of 70 MB',
  async (step) => {
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, '40000', step]);
    expect(JSON.parse(stdout)).toHaveProperty('peakMb');
  },
  120_000,
);
