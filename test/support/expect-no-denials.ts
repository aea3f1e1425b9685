import { afterAll, expect, inject } from 'vitest';
import { trustAlso } from '../../localstack/enforcement.ts';
import { readDecisions, sessionOf } from '../../localstack/read-decisions.ts';
import { testSession } from './assume-role.ts';

const { enforcement } = inject('cloud');
if (!enforcement) throw new Error('IAM is not evaluated by this endpoint.');
trustAlso(enforcement.ca);
const before = readDecisions(enforcement.decisionsFile).length;

// A function may have recovered from a denial, or met it where no test checks.
afterAll(() => {
  const denied = readDecisions(enforcement.decisionsFile)
    .slice(before)
    .filter(({ decision }) => decision !== 'Allow')
    .filter((each) => sessionOf(each) !== testSession)
    .map((each) => `${sessionOf(each)} is denied ${each.action} on ${each.resource} (${each.decision})`);
  expect([...new Set(denied)]).toEqual([]);
});
