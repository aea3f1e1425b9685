import type { IncomingMessage, ServerResponse } from 'node:http';

const hugeBytes = 8 * 1024 * 1024;
const dripMs = 50;

export function answerBadly(
  response: ServerResponse,
  status: number,
  kind: 'garbledBody' | 'hugeBody' | 'endlessBody',
): void {
  response.writeHead(status, { 'content-type': kind === 'garbledBody' ? 'text/html' : 'application/json' });
  switch (kind) {
    case 'garbledBody':
      return void response.end('<html><body>Avstar gateway</body></html>\u0000{"status":');
    case 'hugeBody':
      return void response.end(`{"status":"scheduled","padding":"${'x'.repeat(hugeBytes)}"}`);
    case 'endlessBody': {
      response.write('{"status":"');
      const drip = setInterval(() => response.write('x'), dripMs);
      return void response.once('close', () => clearInterval(drip));
    }
  }
}

/** RST rather than FIN: the client's request fails with ECONNRESET. */
export function loseConnection(request: IncomingMessage): void {
  request.socket.resetAndDestroy();
}

/** The connection stays open until the client closes it or the fake ends. */
export function neverAnswer(): void {
  return undefined;
}
