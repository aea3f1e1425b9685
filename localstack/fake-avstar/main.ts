import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startFakeAvstar } from './server.ts';

const usage = `node localstack/fake-avstar/main.ts --token TOKEN [--port N] [--host ADDRESS] [--requests N --window-seconds N]
  [--refuse SPOT_ID …] [--retry-after seconds|date] [--faults JSON] [--seed N]`;

const number = z.coerce.number().int().nonnegative();
const optionsSchema = z.object({
  token: z.string().min(1),
  port: number.max(65535).default(0),
  host: z.string().default('127.0.0.1'),
  requests: number.optional(),
  'window-seconds': z.coerce.number().positive().default(60),
  refuse: z.array(z.string()).default([]),
  'retry-after': z.enum(['seconds', 'date']).default('seconds'),
  faults: z.string().default('{}'),
  seed: number.default(1),
});

const text = { type: 'string' } as const;

try {
  const { values } = parseArgs({
    options: {
      token: text,
      port: text,
      host: text,
      requests: text,
      'window-seconds': text,
      refuse: { type: 'string', multiple: true },
      'retry-after': text,
      faults: text,
      seed: text,
    },
  });
  // Passing the token in the environment keeps it out of the process list.
  const options = optionsSchema.parse({ token: process.env['FAKE_AVSTAR_TOKEN'], ...values });
  const { requests } = options;
  const fake = await startFakeAvstar({
    token: options.token,
    port: options.port,
    host: options.host,
    ...(requests === undefined ? {} : { requests }),
    windowSeconds: options['window-seconds'],
    refuse: options.refuse,
    retryAfterAs: options['retry-after'],
    faults: JSON.parse(options.faults) as object,
    seed: options.seed,
  });
  console.log(JSON.stringify({ url: fake.url, pid: process.pid }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void fake.close().then(() => process.exit(0)));
  }
} catch (error) {
  console.error(error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message);
  console.error(usage);
  process.exitCode = 1;
}
