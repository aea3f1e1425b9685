import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificate } from '../../localstack/certificates.ts';

/** A server that answers with raw bytes, valid HTTP or not. */
export interface RawServer {
  port: number;
  /** Requests as they came, head and body. */
  requests: string[];
  /** Connections there have been, and how many of them were open at once. */
  connections: { made: number; most: number };
  close: () => Promise<void>;
}

/** The answer to the nth request, from 1; `undefined` leaves the connection unchanged. */
export type RawAnswer = (socket: Socket, request: string, number: number) => void;

/**
 * Calls `answer` when a complete request has arrived. Accepts one at a time per connection.
 * @param at a fixed address, instead of any port on 127.0.0.1
 */
export async function startRawServer(
  answer: RawAnswer,
  certificate?: Certificate,
  at: { host?: string; port?: number } = {},
): Promise<RawServer> {
  const requests: string[] = [];
  const connections = { made: 0, most: 0 };
  const sockets = new Set<Socket>();
  const onConnection = (socket: Socket): void => {
    connections.made++;
    sockets.add(socket);
    connections.most = Math.max(connections.most, sockets.size);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const [head = ''] = text.split('\r\n\r\n', 1);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (!text.includes('\r\n\r\n') || text.length < head.length + 4 + length) return;
      requests.push(text);
      const request = text;
      text = '';
      answer(socket, request, requests.length);
    });
    socket.on('close', () => sockets.delete(socket));
    // The other side may hang up at any time: often that is the test.
    socket.on('error', () => undefined);
  };
  const server = certificate ? createTlsServer(certificate, onConnection) : createServer(onConnection);
  server.on('tlsClientError', () => undefined);
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  return { port: await listen(server, at), requests, connections, close };
}

function listen(server: Server, { host = '127.0.0.1', port = 0 }: { host?: string; port?: number }): Promise<number> {
  return new Promise((resolve) => {
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
