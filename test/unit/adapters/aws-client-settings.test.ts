import { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, expect, it, vi } from 'vitest';
import { awsClientSettings } from '../../../lambdas/adapters/aws-client-settings.ts';

afterEach(() => vi.restoreAllMocks());

it('the SDK’s warnings are written, whatever a bundle calls its classes, and nothing else', () => {
  const write = vi.spyOn(console, 'warn').mockReturnValue();
  const client = new SQSClient({ ...awsClientSettings, region: 'eu-west-1' });
  const { logger } = client.config;
  logger.warn('socket usage at capacity');
  client.destroy();
  expect(write.mock.calls).toEqual([['socket usage at capacity']]);
  // The SDK would copy each call's input and output for methods that do nothing with them.
  expect(Object.keys(logger)).toEqual(['warn']);
});
