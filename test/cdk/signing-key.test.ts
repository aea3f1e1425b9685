import { describe, expect, it } from 'vitest';
import { ofType, synthesise } from './synthesise.ts';

const arn = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

const functionsWithKey = (resources: ReturnType<typeof synthesise>['resources']): string[] =>
  ofType(resources, 'AWS::Lambda::Function').flatMap(([id, { Environment }]) =>
    JSON.stringify(Environment).includes('SIGNING_KEY_ARN') ? [id] : [],
  );

/** Policies that allow signing, with the keys that they allow. */
const signers = (resources: ReturnType<typeof synthesise>['resources']): [string, unknown][] =>
  ofType(resources, 'AWS::IAM::Policy').flatMap(([id, { PolicyDocument }]) =>
    (PolicyDocument as { Statement: { Action: string | string[]; Resource: unknown }[] }).Statement.filter(
      ({ Action }) => [Action].flat().includes('kms:Sign'),
    ).map(({ Action, Resource }): [string, unknown] => {
      expect([Action].flat().sort()).toEqual(['kms:GetPublicKey', 'kms:Sign']);
      return [id, Resource];
    }),
  );

describe('manifests', () => {
  it('are unsigned in prod if configured so, but not by a setting that is left empty', () => {
    expect(ofType(synthesise('prod', { SLUICE_SIGNING_KEY: ' ' }).resources, 'AWS::KMS::Key')).toHaveLength(1);
    const { resources } = synthesise('prod', { SLUICE_SIGNING_KEY: 'none' });
    expect(ofType(resources, 'AWS::KMS::Key')).toEqual([]);
    expect(functionsWithKey(resources)).toEqual([]);
  });

  it('are signed by a key of the stack’s own, which only the finalizer may use and which outlives the stack', () => {
    const { resources } = synthesise('prod');
    const keys = ofType(resources, 'AWS::KMS::Key');
    expect(keys).toHaveLength(1);
    const [[id, key] = ['', {} as Record<string, unknown>]] = keys;
    expect(key).toMatchObject({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    expect((resources[id] as { DeletionPolicy?: string }).DeletionPolicy).toBe('RetainExceptOnCreate');
    expect(functionsWithKey(resources)).toEqual([expect.stringMatching(/^trafficFinalizer/)]);
    expect(signers(resources)).toEqual([[expect.stringMatching(/^trafficFinalizer/), { 'Fn::GetAtt': [id, 'Arn'] }]]);
  });

  it('are signed by an existing key', () => {
    const { resources } = synthesise('prod', { SLUICE_SIGNING_KEY: arn });
    expect(ofType(resources, 'AWS::KMS::Key')).toEqual([]);
    expect(signers(resources)).toEqual([[expect.stringMatching(/^trafficFinalizer/), arn]]);
  });

  it('leave no key behind in a stage that keeps nothing', () => {
    const { resources } = synthesise('local');
    const [[id] = ['']] = ofType(resources, 'AWS::KMS::Key');
    expect((resources[id] as { DeletionPolicy?: string }).DeletionPolicy).toBe('Delete');
  });
});
