import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const script = resolve(import.meta.dirname, '../../../.ci/audit.mjs');
const dir = mkdtempSync(join(tmpdir(), 'sluice-audit-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The audit with an npm that answers so. */
function audit(answer: unknown, ...flags: string[]): { status: number | null; told: string } {
  writeFileSync(join(dir, 'answer'), typeof answer === 'string' ? answer : JSON.stringify(answer));
  writeFileSync(join(dir, 'npm'), `#!/bin/sh\ncat ${join(dir, 'answer')}\nexit 1\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: `${dir}${delimiter}${process.env['PATH'] ?? ''}` };
  const { status, stdout } = spawnSync(process.execPath, [script, ...flags], { encoding: 'utf8', env });
  return { status, told: stdout };
}

const fault = (severity: string) => ({
  vulnerabilities: {
    undici: { name: 'undici', severity, range: '<7', via: [{ title: 'Smuggling', url: 'https://made-up.example' }] },
  },
});

it.each(['high', 'critical'])('a fault that is %s fails, and is reported', (severity) => {
  const { status, told } = audit(fault(severity));
  expect(status).toBe(1);
  expect(told).toContain(`${severity}: undici <7: Smuggling (https://made-up.example)`);
});

it.each([fault('moderate'), { vulnerabilities: {} }])('lesser faults, and none, pass', (answer) => {
  expect(audit(answer).status).toBe(0);
});

it.each(['', 'not json', { message: '405 Method Not Allowed' }])(
  'a registry that does not answer usefully (%j) is reported, and fails only if its answer is needed',
  (answer) => {
    expect(audit(answer)).toMatchObject({ status: 0, told: expect.stringContaining('nothing was audited') as string });
    expect(audit(answer, '--answer-needed').status).toBe(1);
  },
);
