import type { IncomingMessage, ServerResponse } from 'node:http';

/** Headers of every answer: only our own files run, nothing is cached, nothing is sent to other sites. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

export function answer(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { ...headers, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  answer(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

/** Closes the connection after the answer, so that the rest of a refused request is not received. */
export function answerFault(response: ServerResponse, status: number, text: string): void {
  response.setHeader('Connection', 'close');
  answerJson(response, status, { fault: text });
}

/** Starts an answer that the browser saves as a file. @param name of characters that need no quoting */
export function beginDownload(response: ServerResponse, name: string, type = 'text/csv; charset=utf-8'): void {
  response.writeHead(200, {
    ...headers,
    'Content-Type': type,
    'Content-Disposition': `attachment; filename="${name}"`,
  });
}

/**
 * Starts an answer that is a page of its own, made from a file's content. In a sandbox it has another origin than the
 * control room: its script can neither read the room's pages nor act in it.
 */
export function beginSandboxedPage(response: ServerResponse): void {
  response.writeHead(200, {
    ...headers,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy':
      "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " +
      "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  });
}

/** Undefined if it is longer. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
