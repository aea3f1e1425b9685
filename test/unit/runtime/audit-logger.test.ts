import { afterEach, expect, it, vi } from 'vitest';
import { createAuditLog } from '../../../lambdas/runtime/audit-logger.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('writes no control sequence for the terminal of a person who tails the log', () => {
  // Powertools writes past the console otherwise.
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  const lines: unknown[] = [];
  vi.spyOn(console, 'error').mockImplementation((line) => void lines.push(line));
  const hostile = 'a\u001b[31m\u009b2J\u007f\u202eb\u2028\r\n';
  createAuditLog('test').error('failed', { key: hostile, error: new Error(hostile), nested: { inner: [hostile] } });
  expect(lines).toHaveLength(1);
  // Indentation for people is Powertools' own.
  expect(String(lines[0]).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
});

it('writes nothing that is the same in each line, except the module', () => {
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  const lines: string[] = [];
  vi.spyOn(console, 'info').mockImplementation((line) => void lines.push(String(line)));
  createAuditLog('test').info('record accounted for', { record: 1 });
  expect(lines.map((line) => Object.keys(JSON.parse(line) as object).sort())).toEqual([
    ['level', 'message', 'module', 'record', 'timestamp'],
  ]);
});
