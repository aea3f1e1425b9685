import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, expect, it, vi } from 'vitest';
import { awsClientSettings, s3ClientSettings } from '../../../lambdas/adapters/aws-client-settings.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

it('the SDK’s warnings are written, whatever a bundle calls its classes, and nothing else', () => {
  const write = vi.spyOn(console, 'warn').mockReturnValue();
  const client = new SQSClient({ ...awsClientSettings, region: 'eu-west-1' });
  const { logger } = client.config;
  logger.warn('socket usage at capacity');
  logger.debug('credentials from the environment');
  client.destroy();
  expect(write.mock.calls).toEqual([['socket usage at capacity']]);
  // The SDK would copy each call's input and output for methods that do nothing with them.
  expect(logger).not.toHaveProperty('info');
  expect(logger).not.toHaveProperty('error');
});

it('calls succeed and fail as the functions make them, with credentials from the environment', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  const server = createServer((request, response) => {
    const isListed = request.headers['x-amz-target']?.includes('ListTables');
    response.writeHead(isListed ? 200 : 404, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(isListed ? '{"TableNames":["ledger"]}' : '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, region: 'eu-west-1' };
  const dynamo = new DynamoDBClient({ ...awsClientSettings, ...at });
  const s3 = new S3Client({ ...s3ClientSettings, ...at, forcePathStyle: true });
  try {
    expect((await dynamo.send(new ListTablesCommand({}))).TableNames).toEqual(['ledger']);
    const gone = s3.send(new GetObjectCommand({ Bucket: 'intake', Key: 'gone' }));
    await expect(gone).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
  } finally {
    dynamo.destroy();
    s3.destroy();
    server.closeAllConnections();
    server.close();
  }
});
