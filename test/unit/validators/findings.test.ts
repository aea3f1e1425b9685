import { describe, expect, it } from 'vitest';
import type { AcknowledgedFinding } from '../../validators/acknowledged-findings.ts';
import { judgeFindings, readCfnLint, readCheckov, readParliament } from '../../validators/findings.ts';

const known: AcknowledgedFinding = {
  by: 'checkov',
  rule: 'CKV_AWS_18',
  where: /^AccessLogs/,
  template: /^prod$/,
  why: 'It is the log itself.',
};
const found = { by: 'checkov', rule: 'CKV_AWS_18', template: 'prod', where: 'AccessLogsBucket', says: '…' } as const;

describe('findings', () => {
  it('pass if each is acknowledged', () => {
    expect(judgeFindings([found], [known], ['checkov'])).toEqual({ open: [], stale: [] });
  });

  it.each([
    ['of another rule', { ...found, rule: 'CKV_AWS_21' }],
    ['at another resource', { ...found, where: 'WorkBucket' }],
    ['in another template', { ...found, template: 'staging' }],
    ['by another validator', { ...found, by: 'cfn-lint' as const }],
  ])('are reported, %s', (_, other) => {
    expect(judgeFindings([found, other], [known], ['checkov', 'cfn-lint'])).toEqual({ open: [other], stale: [] });
  });

  it('that no longer occur leave a stale acknowledgement', () => {
    expect(judgeFindings([], [known], ['checkov']).stale).toEqual([known]);
  });

  it('of validators that were not run are not expected', () => {
    expect(judgeFindings([], [known], ['cfn-lint']).stale).toEqual([]);
  });
});

describe('reports', () => {
  it('are read as each validator writes them', () => {
    const location = { Path: ['Resources', 'Queue', 'Properties', 0] };
    const ofCfnLint = [{ Filename: '/tmp/prod.json', Message: 'm', Rule: { Id: 'E3002' }, Location: location }];
    expect(readCfnLint(JSON.stringify(ofCfnLint))).toEqual([
      { by: 'cfn-lint', rule: 'E3002', template: 'prod', where: 'Queue', says: 'm' },
    ]);
    const check = { check_id: 'C1', check_name: 'm', file_path: '/prod.json', resource: 'AWS::SQS::Queue.Queue' };
    const ofCheckov = { results: { failed_checks: [check] }, summary: { parsing_errors: 0 } };
    expect(readCheckov(JSON.stringify(ofCheckov))).toEqual([
      { by: 'checkov', rule: 'C1', template: 'prod', where: 'Queue', says: 'm' },
    ]);
    const ofParliament = [{ template: 'prod', where: 'Queue', rule: 'R', message: 'm' }];
    expect(readParliament(JSON.stringify(ofParliament))).toEqual([
      { by: 'parliament', rule: 'R', template: 'prod', where: 'Queue', says: 'm' },
    ]);
  });

  it('on templates that could not be read are not reports', () => {
    const unread = { results: { failed_checks: [] }, summary: { parsing_errors: 2 } };
    expect(() => readCheckov(JSON.stringify(unread))).toThrow('checkov could not read 2 templates.');
  });
});
