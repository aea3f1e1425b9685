/**
 * What an engineer writes in an afternoon: read a line, parse it, validate it, post it. Nothing is kept: killed, it
 * knows nothing of what it sent. `node plain-node.ts FILE URL CONNECTIONS`
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Pool, request } from 'undici';
import * as z from 'zod';

const [file = '', url = '', connections = '20'] = process.argv.slice(2);
const pool = new Pool(new URL(url).origin, { connections: Number(connections), pipelining: 1 });
const spot = z.object({
  ...{ SpotID: z.string().min(1), StationCode: z.string().min(1), AirDateTime: z.string().min(1) },
  ...{ Duration: z.coerce.number().int().nonnegative(), ClientName: z.string().min(1) },
});
const schema = spot.transform((row) => ({
  ...{ spot_id: row.SpotID, station: row.StationCode, airtime: row.AirDateTime },
  ...{ duration_sec: row.Duration, advertiser: row.ClientName },
}));
const broken: string[] = [];

async function post(line: string): Promise<void> {
  const row = schema.safeParse(parse(line));
  if (!row.success) return void broken.push(line);
  const headers = {
    authorization: 'Bearer bench',
    'content-type': 'application/json',
    'x-request-id': createHash('sha256').update(line).digest('hex'),
  };
  for (;;) {
    const answer = await request(url, { dispatcher: pool, method: 'POST', headers, body: JSON.stringify(row.data) });
    await answer.body.dump();
    if (answer.statusCode < 300) return;
    if (answer.statusCode < 500 && answer.statusCode !== 429) return void broken.push(line);
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const lines = createInterface({ input: createReadStream(file) })[Symbol.asyncIterator]();
await Promise.all(
  Array.from({ length: Number(connections) }, async () => {
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) await post(next.value);
  }),
);
await pool.close();
