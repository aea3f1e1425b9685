import { expect, test } from 'vitest';
import { CliError } from '../../../cli/cli-error.ts';
import { chooseTarget } from '../../../cli/stack/choose-target.ts';
import type { LocalStack } from '../../../cli/stack/local-stacks.ts';

const at = (port: number): LocalStack => ({
  endpointUrl: `http://127.0.0.1:${port}`,
  stateDir: '/tmp/x',
  kind: 'ministack',
});
const aws = { AWS_ACCESS_KEY_ID: 'AKIATRUE', AWS_SECRET_ACCESS_KEY: 'true', AWS_REGION: 'eu-central-1' };
const madeUp = { accessKeyId: 'test', secretAccessKey: 'test' };

test('the target without --stack is the local stack, whatever AWS credentials exist, and they are not sent to it', () => {
  expect(chooseTarget({ stack: undefined, env: aws, local: { 'sluice-local': at(1) } })).toEqual({
    kind: 'endpoint',
    stackName: 'sluice-local',
    endpointUrl: 'http://127.0.0.1:1',
    region: 'us-east-1',
    credentials: madeUp,
  });
});

test('the only running stack is the target, under any name', () => {
  expect(chooseTarget({ stack: undefined, env: {}, local: { 'sluice-demo': at(2) } })).toMatchObject({
    stackName: 'sluice-demo',
    endpointUrl: 'http://127.0.0.1:2',
  });
});

test('a stack started here is local, and any other named stack is in AWS', () => {
  const local = { 'sluice-local': at(1) };
  expect(chooseTarget({ stack: 'sluice-local', env: aws, local })).toMatchObject({ kind: 'endpoint' });
  expect(chooseTarget({ stack: 'sluice-prod', env: aws, local })).toEqual({ kind: 'aws', stackName: 'sluice-prod' });
});

test('AWS_ENDPOINT_URL overrides every stored endpoint, with its own credentials', () => {
  const env = { ...aws, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
  expect(chooseTarget({ stack: undefined, env, local: { 'sluice-local': at(1) } })).toEqual({
    kind: 'endpoint',
    stackName: 'sluice-local',
    endpointUrl: 'http://127.0.0.1:9',
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIATRUE', secretAccessKey: 'true' },
  });
});

test('AWS is never chosen by accident', () => {
  expect(() => chooseTarget({ stack: undefined, env: aws, local: {} })).toThrow(CliError);
  const local = { one: at(1), two: at(2) };
  expect(() => chooseTarget({ stack: undefined, env: aws, local })).toThrow(/--stack: one, two/);
});
