import type { IncomingMessage } from 'node:http';

/** @returns null if the body is longer; the rest of it is discarded. Rejects when the client goes away. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<string | null> {
  const { promise, resolve, reject } = Promise.withResolvers<string | null>();
  const chunks: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  });
  request.once('end', () => resolve(size > maxBytes ? null : Buffer.concat(chunks).toString('utf8')));
  request.once('error', reject);
  return promise;
}
