import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { handler as Handler } from '../../../localstack/fake-avstar/on-lambda.ts';
import { refusedOncePrefix } from '../../../localstack/fake-avstar/spot.ts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

/** As much of DynamoDB as a conditional write of a new id needs. */
const seen = new Set<string>();
const table = createServer((request, response) => {
  let text = '';
  request.on('data', (part: Buffer) => (text += part.toString()));
  request.on('end', () => {
    const { Item } = JSON.parse(text) as { Item: { id: { S: string } } };
    const isNew = !seen.has(Item.id.S);
    seen.add(Item.id.S);
    response.writeHead(isNew ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' });
    const fault = { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException', message: 'no' };
    response.end(JSON.stringify(isNew ? {} : fault));
  });
});

let handler: typeof Handler;
beforeAll(async () => {
  table.listen(0, '127.0.0.1');
  await once(table, 'listening');
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(table.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('TABLE', 'ids');
  vi.stubEnv('AUTHORIZATION_SHA256', createHash('sha256').update('Bearer secret').digest('hex'));
  ({ handler } = await import('../../../localstack/fake-avstar/on-lambda.ts'));
});
afterAll(() => {
  vi.unstubAllEnvs();
  table.closeAllConnections();
  table.close();
});

const spot = { spot_id: 'S-1', station: 'WABC', airtime: 't', duration_sec: 30, advertiser: 'é' };

async function post(change: { id?: string; body?: object; authorization?: string; rawPath?: string } = {}) {
  const { id, body = spot, authorization = 'Bearer secret', rawPath = '/ingest' } = change;
  const { statusCode } = await handler({
    rawPath,
    headers: { authorization, ...(id === undefined ? {} : { 'x-request-id': id }) },
    body: Buffer.from(JSON.stringify(body)).toString('base64'),
    isBase64Encoded: true,
    requestContext: { http: { method: 'POST' } },
  });
  return statusCode;
}

it('stores a request once, and refuses the same requests as the local fake API', async () => {
  expect(await post({ id: 'a' })).toBe(201);
  expect(await post({ id: 'a' })).toBe(409);
  expect(await post({ id: 'b', authorization: 'Bearer other' })).toBe(401);
  expect(await post({ id: 'b', rawPath: '/other' })).toBe(404);
  expect(await post()).toBe(400);
  expect(await post({ id: 'b', body: { ...spot, duration_sec: '30' } })).toBe(422);
  expect(await post({ id: 'b' })).toBe(201);
});

it('refuses a spot once if its id asks for that', async () => {
  const body = { ...spot, spot_id: `${refusedOncePrefix}1` };
  expect([await post({ id: 'c', body }), await post({ id: 'c', body }), await post({ id: 'c', body })]).toEqual([
    422, 201, 409,
  ]);
});
