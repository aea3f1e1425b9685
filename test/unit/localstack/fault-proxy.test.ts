import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { FaultProxy } from '../../../localstack/fault-proxy/server.ts';
import { startFaultProxy } from '../../../localstack/fault-proxy/server.ts';

interface Came {
  request: IncomingMessage;
  body: Buffer;
}

let endpoint: Server;
let proxy: FaultProxy;
let came: Came[];
let reply: (came: Came) => string | Buffer;

beforeEach(async () => {
  came = [];
  reply = () => '{}';
  endpoint = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const one = { request, body: Buffer.concat(chunks) };
      came.push(one);
      response.writeHead(200, { 'x-told': 'yes', 'content-type': 'application/x-amz-json-1.0' }).end(reply(one));
    })();
  });
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  proxy = await startFaultProxy({ target: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}` });
});

afterEach(async () => {
  await proxy.close();
  endpoint.closeAllConnections();
  endpoint.close();
});

const settings = (maxAttempts = 1) => ({
  endpoint: proxy.url,
  region: 'us-east-1',
  credentials: { accessKeyId: 'k', secretAccessKey: 's' },
  maxAttempts,
});
const QueueUrl = 'http://sqs/000000000000/q';
const sendMessage = (maxAttempts?: number) =>
  new SQSClient({ ...settings(maxAttempts), md5: false }).send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
const getItem = (maxAttempts?: number) =>
  new DynamoDBClient(settings(maxAttempts)).send(new GetItemCommand({ TableName: 't', Key: { pk: { S: 'k' } } }));

describe('the fault proxy without a fault', () => {
  it('forwards both bodies byte for byte, and the headers unchanged', async () => {
    const answer = randomBytes(300_000);
    reply = () => answer;
    const body = randomBytes(500_000);
    const got = await fetch(`${proxy.url}/a%2Bb/c?x=%20&y`, {
      method: 'PUT',
      body,
      headers: { authorization: 'AWS4', 'x-amz-meta-a': 'b' },
    });
    expect(got.headers.get('x-told')).toBe('yes');
    expect(Buffer.from(await got.arrayBuffer()).equals(answer)).toBe(true);
    expect(came[0]?.body.equals(body)).toBe(true);
    expect(came[0]?.request.url).toBe('/a%2Bb/c?x=%20&y');
    expect(came[0]?.request.headers).toMatchObject({ authorization: 'AWS4', 'x-amz-meta-a': 'b' });
    expect(came[0]?.request.headers.host).toBe(new URL(proxy.url).host);
  });

  it('counts calls by service and operation, and resets the counts', async () => {
    await getItem();
    await getItem();
    await sendMessage();
    await new S3Client({ ...settings(), forcePathStyle: true }).send(new GetObjectCommand({ Bucket: 'b', Key: 'k/l' }));
    const counts = await (await fetch(`${proxy.url}/_fault-proxy/counts`)).json();
    expect(counts).toEqual({
      'dynamodb.GetItem': { requests: 2, kibibytes: expect.any(Number) as number, faults: {} },
      's3.GetObject': { requests: 1, kibibytes: expect.any(Number) as number, faults: {} },
      'sqs.SendMessage': { requests: 1, kibibytes: expect.any(Number) as number, faults: {} },
    });
    await fetch(`${proxy.url}/_fault-proxy/counts`, { method: 'DELETE' });
    expect(proxy.counts()).toEqual({});
  });
});

describe('the fault proxy', () => {
  it('throttles in the way of each service, so that the SDK recognises it', async () => {
    const rules = ['dynamodb', 'sqs', 's3'].map((service) => ({ service, fault: 'throttle' as const, share: 1 }));
    proxy.setFaults({ rules });
    await expect(getItem()).rejects.toMatchObject({
      name: expect.stringMatching(/^(ProvisionedThroughputExceeded|Throttling)Exception$/) as string,
    });
    await expect(sendMessage()).rejects.toMatchObject({ name: 'RequestThrottled' });
    const s3 = new S3Client({ ...settings(), forcePathStyle: true });
    await expect(s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }))).rejects.toMatchObject({
      name: 'SlowDown',
      $metadata: { httpStatusCode: 503 },
    });
    expect(came).toHaveLength(0);
    expect(proxy.counts()['dynamodb.GetItem']).toMatchObject({ requests: 1, faults: { throttle: 1 } });
  });

  it('affects the configured operations, at about the configured rate', async () => {
    proxy.setFaults({
      rules: [{ service: 'dynamodb', operations: ['GetItem'], fault: 'error', share: 0.5 }],
    });
    const ends = await Promise.allSettled(Array.from({ length: 60 }, () => getItem()));
    const failed = ends.filter((end) => end.status === 'rejected').length;
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(50);
    await sendMessage();
  });

  it('loses the connection before the service receives the call, or after', async () => {
    proxy.setFaults({ rules: [{ service: 'dynamodb', fault: 'resetBefore', share: 1 }] });
    await expect(getItem()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(came).toHaveLength(0);
    proxy.setFaults({ rules: [{ service: 'dynamodb', fault: 'resetAfter', share: 1 }] });
    await expect(getItem()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(came).toHaveLength(1);
  });

  it('sends a call to the service twice', async () => {
    proxy.setFaults({ rules: [{ service: 'sqs', fault: 'twice', share: 1 }] });
    await sendMessage();
    expect(came).toHaveLength(2);
    expect(came[0]?.body.equals(came[1]?.body as Buffer)).toBe(true);
  });

  it('omits some messages of a batch, and reports which', async () => {
    proxy.setFaults({ rules: [{ service: 'sqs', fault: 'partial', share: 1 }] });
    const md5 = createHash('md5').update('x').digest('hex');
    reply = ({ body }) => {
      const { Entries } = JSON.parse(body.toString()) as { Entries: { Id: string }[] };
      return JSON.stringify({ Successful: Entries.map(({ Id }) => ({ Id, MessageId: Id, MD5OfMessageBody: md5 })) });
    };
    const Entries = Array.from({ length: 10 }, (_, index) => ({ Id: `m${index}`, MessageBody: 'x' }));
    const told = await new SQSClient(settings()).send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const [sent, failed] = [told.Successful ?? [], told.Failed ?? []].map((each) => each.map(({ Id }) => Id));
    expect(failed?.length).toBeGreaterThan(0);
    expect([...(sent ?? []), ...(failed ?? [])].sort()).toEqual(Entries.map(({ Id }) => Id));
    const given = came.flatMap(({ body }) => (JSON.parse(body.toString()) as { Entries: { Id: string }[] }).Entries);
    expect(given.map(({ Id }) => Id)).toEqual(sent);
  });

  it('accepts its settings over HTTP, and names unknown ones', async () => {
    const post = (body: string) => fetch(`${proxy.url}/_fault-proxy/faults`, { method: 'POST', body });
    const answer = await post('{"rules":[{"service":"dynamodb","fault":"error","share":1}]}');
    expect(answer.status).toBe(200);
    // The SDK's own tries are among the counted.
    await expect(getItem(2)).rejects.toMatchObject({ name: 'InternalServerError' });
    expect(proxy.counts()['dynamodb.GetItem']?.requests).toBe(2);
    expect((await post('{"rules":[{"service":"dynamodb","fault":"flood","share":1}]}')).status).toBe(400);
    expect((await post('x')).status).toBe(400);
    expect((await post('{}')).status).toBe(200);
    await getItem();
  });
});
