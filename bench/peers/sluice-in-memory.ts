/**
 * The splitter's and the consumers' own work in one process: the file hashed, cut into batches and delivered, receipts
 * and all, where AWS takes no time. `node sluice-in-memory.ts FILE URL CONNECTIONS`
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { HttpSink } from '../../lambdas/adapters/http-sink.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { deliverAll, splitBytes } from '../consumer/consumer-in-memory.ts';

const [file = '', url = '', connections = '20'] = process.argv.slice(2);
const bytes = readFileSync(file);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const { origin, pathname } = new URL(url);
const token = Promise.resolve('bench');
const tokens = { token: () => token, refresh: () => token };
const sink = new HttpSink({
  ...{ baseUrl: origin, path: pathname, tokens, clock: systemClock },
  connections: Number(connections),
});
await deliverAll(await splitBytes(bytes, sha256), sink, Number(connections));
await sink.close();
