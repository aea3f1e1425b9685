import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { Server } from 'node:http';
import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AwsRequestHandler,
  awsRegionOf,
  hasOwnS3Endpoint,
  refuseForeignAnswer,
} from '../../../../cli/stack/aws-access.ts';
import { explainFault } from '../../../../cli/stack/explain-fault.ts';
import { createCertificate, createIssuer } from '../../../../localstack/certificates.ts';

let dir: string;
let servers: Server[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-access-'));
  servers = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('calls to AWS', () => {
  const issuer = createIssuer('a company');
  const stacks =
    '<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>s</StackName></member></Stacks></DescribeStacksResult></DescribeStacksResponse>';

  /** In place of AWS, with a certificate of a company's own authority. */
  async function startAws(): Promise<number> {
    return listen(
      createTlsServer(createCertificate('aws.test', issuer), (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/xml', 'x-amzn-requestid': '1' });
        response.end(stacks);
      }),
    );
  }

  /** Opens tunnels to `port` for any requested host. */
  async function startProxy(port: number, status = 200): Promise<{ url: string; asked: string[] }> {
    const asked: string[] = [];
    const proxy = createHttpServer();
    const sockets = new Set<Socket>();
    proxy.on('connect', (request, socket: Socket) => {
      asked.push(request.url ?? '');
      sockets.add(socket);
      socket.on('error', () => undefined);
      if (status !== 200) {
        socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      const tunnel = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(tunnel).pipe(socket);
      });
      tunnel.on('error', () => socket.destroy());
    });
    proxy.on('close', () => sockets.forEach((socket) => socket.destroy()));
    return { url: `http://127.0.0.1:${await listen(proxy)}`, asked };
  }

  function clientWith(env: Record<string, string>, endpoint = 'https://aws.test'): CloudFormationClient {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    return new CloudFormationClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
      requestHandler: new AwsRequestHandler(process.env),
    });
  }

  const describeStacks = (client: CloudFormationClient) => client.send(new DescribeStacksCommand({ StackName: 's' }));
  const bundle = () => {
    const path = join(dir, 'ca.pem');
    writeFileSync(path, issuer.cert);
    return path;
  };

  it('go through HTTPS_PROXY and trust AWS_CA_BUNDLE', async () => {
    const proxy = await startProxy(await startAws());
    const client = clientWith({ HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: bundle() });
    expect((await describeStacks(client)).Stacks?.[0]?.StackName).toBe('s');
    expect((await describeStacks(client)).Stacks?.[0]?.StackName).toBe('s');
    expect(new Set(proxy.asked)).toEqual(new Set(['aws.test:443']));
  });

  it('trust no certificate that neither the usual authorities nor AWS_CA_BUNDLE has signed', async () => {
    const proxy = await startProxy(await startAws());
    await expect(describeStacks(clientWith({ HTTPS_PROXY: proxy.url }))).rejects.toThrow(/certificate/);
  });

  it('bypass the proxy for hosts in NO_PROXY', async () => {
    const port = await startAws();
    const proxy = await startProxy(port);
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1', AWS_CA_BUNDLE: bundle() };
    const refused = describeStacks(clientWith(env, `https://127.0.0.1:${port}`));
    // The certificate is for another name: it was AWS's stand-in itself that answered.
    await expect(refused).rejects.toThrow(/altnames/);
    expect(proxy.asked).toEqual([]);
  });

  it('report that the proxy requires a user name and password', async () => {
    const proxy = await startProxy(0, 407);
    const refused = await describeStacks(clientWith({ HTTPS_PROXY: proxy.url })).catch((error: unknown) => error);
    expect(explainFault(refused)).toMatch(/^The proxy requires a user name and password \(407\)/);
  });

  it('report that the answer is not from AWS', async () => {
    const port = await listen(
      createHttpServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
        response.end('<h1>Welcome to the airport</h1>');
      }),
    );
    const refused = await describeStacks(clientWith({}, `http://127.0.0.1:${port}`)).catch((error: unknown) => error);
    expect(explainFault(refused)).toMatch(/^A web page answered for 127\.0\.0\.1 \(status 200\), not AWS/);
  });

  it('recognise a web page in place of an answer from S3', () => {
    expect(() =>
      refuseForeignAnswer(200, { 'content-type': 'text/html', 'x-amz-request-id': '1' }, 's3'),
    ).not.toThrow();
  });

  it('name a bundle that cannot be read', () => {
    expect(() => new AwsRequestHandler({ AWS_CA_BUNDLE: '/nowhere.pem' })).toThrow('AWS_CA_BUNDLE names /nowhere.pem');
  });
});

it('the region is that of AWS_REGION, else of AWS_DEFAULT_REGION', () => {
  expect(awsRegionOf({ AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'us-east-1' })).toBe('eu-west-1');
  expect(awsRegionOf({ AWS_DEFAULT_REGION: 'us-east-1' })).toBe('us-east-1');
  expect(awsRegionOf({ AWS_REGION: '' })).toBeUndefined();
});

describe('the endpoint of S3', () => {
  const withConfig = (text: string) => {
    const path = join(dir, `config-${Math.random().toString(36).slice(2)}`);
    writeFileSync(path, text);
    vi.stubEnv('AWS_CONFIG_FILE', path);
  };

  it('is not AWS if the profile or its services name another one', async () => {
    withConfig('[profile local]\nendpoint_url = http://localhost:4566\n');
    expect(await hasOwnS3Endpoint({ AWS_PROFILE: 'local' })).toBe(true);
    expect(await hasOwnS3Endpoint({ AWS_PROFILE: 'other' })).toBe(false);
    expect(await hasOwnS3Endpoint({ AWS_PROFILE: 'local', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' })).toBe(false);
    withConfig('[default]\nservices = here\n[services here]\ns3 =\n  endpoint_url = http://minio:9000\n');
    expect(await hasOwnS3Endpoint({})).toBe(true);
  });

  it('is AWS if an endpoint of its own is named', async () => {
    withConfig('[default]\nregion = us-east-1\n');
    expect(await hasOwnS3Endpoint({})).toBe(false);
    expect(await hasOwnS3Endpoint({ AWS_ENDPOINT_URL_S3: 'https://s3.us-gov-west-1.amazonaws.com' })).toBe(false);
    expect(await hasOwnS3Endpoint({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000' })).toBe(true);
  });
});
