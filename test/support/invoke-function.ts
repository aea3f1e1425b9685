/** A local cloud routes by the service in the signature's scope, and checks no signature. */
const authorization =
  'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=, Signature=';

/** Runs a function of the local cloud, as a schedule does, and waits for its end. @throws where it fails */
export async function invokeFunction(endpoint: string, name: string, event: unknown = {}): Promise<void> {
  const answer = await fetch(`${endpoint}/2015-03-31/functions/${name}/invocations`, {
    method: 'POST',
    body: JSON.stringify(event),
    headers: { authorization, 'content-type': 'application/json' },
  });
  const text = await answer.text();
  if (!answer.ok || answer.headers.has('x-amz-function-error'))
    throw new Error(`${name}: HTTP ${answer.status} ${text}`);
}
