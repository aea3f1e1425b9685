import { createHash, createHmac } from 'node:crypto';
import type { TestCloud } from './start-test-cloud.ts';

interface Call {
  service: string;
  method: string;
  path: string;
  /** JSON; for the query protocol, a form. */
  body: string;
  contentType: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/**
 * A call to a service that the project has no client for, signed as AWS wants it (Signature Version 4).
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 *
 * @returns the answer's text
 * @throws for any status but 2xx
 */
export async function callSigned({ endpoint, region, credentials }: TestCloud['client'], call: Call): Promise<string> {
  const { service, method, path, body, contentType } = call;
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const headers = { 'content-type': contentType, host: new URL(endpoint).host, 'x-amz-date': time };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const request = [method, path, '', lines.join(''), names, sha256(body)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n')).toString('hex');
  const credential = `Credential=${credentials.accessKeyId}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`;
  const answer = await fetch(endpoint + path, {
    method,
    headers: { 'content-type': contentType, 'x-amz-date': time, authorization },
    ...(method === 'GET' ? {} : { body }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${endpoint}${path}: HTTP ${answer.status} ${text}`);
  return text;
}
