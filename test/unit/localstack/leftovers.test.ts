import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeLeftovers } from '../../../localstack/leftovers.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'sluice-left-'))));
afterEach(() => rmSync(dir, { recursive: true }));

it('lists what exists, and nothing else', () => {
  const venv = join(dir, 'venv');
  expect(describeLeftovers([dir], venv, false)).toEqual([]);
  writeFileSync(join(dir, 'endpoint.log'), '');
  mkdirSync(venv);
  expect(describeLeftovers([dir, join(dir, 'other')], venv, true)).toEqual([
    expect.stringContaining(join(dir, 'endpoint.log')),
    expect.stringContaining(venv),
    expect.stringContaining('Docker image'),
  ]);
});
