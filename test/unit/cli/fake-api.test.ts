import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';

const sluice = resolve(import.meta.dirname, '../../../cli/sluice.ts');
const { PATH } = process.env;

function start(...args: string[]) {
  return spawn(process.execPath, [sluice, 'fake-api', ...args], { env: { PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
}

it('simulates the API until Ctrl-C, and prints the variables that select it', async () => {
  const child = start('--port', '0', '--token', 'a token', '--requests', '1', '--faults', '{"latencyMs":[1,2]}');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const [, url = ''] = /^export SLUICE_TRAFFIC_API_URL=(\S+) SLUICE_TRAFFIC_API_TOKEN='a token'$/.exec(line) ?? [];
  const post = () =>
    fetch(`${url}/ingest`, {
      method: 'POST',
      headers: { authorization: 'Bearer a token', 'x-request-id': 'r1' },
      body: '{"spot_id":"S1","station":"W","airtime":"2026-01-05T06:00:00","duration_sec":30,"advertiser":"A"}',
    });
  expect([(await post()).status, (await post()).status]).toEqual([201, 429]);
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([130, null]);
});

it('prints one JSON document with --json', async () => {
  const child = start('--port', '0', '--json');
  let text = '';
  for await (const line of createInterface(child.stdout)) if ((text += line) && line === '}') break;
  expect(JSON.parse(text)).toEqual({ url: expect.stringMatching(/^http:/) as string, token: 'fake', pid: child.pid });
  child.kill('SIGINT');
  await once(child, 'close');
});

it.each<[string, string[], RegExp]>([
  ['faults that there are not', ['--faults', '{"x":1}'], /JSON object of faults.*"x"/],
  ['no number', ['--requests', 'many'], /must be a number of 1 or more/],
  ['an unknown form', ['--retry-after', 'soon'], /Allowed choices are seconds, date/],
])('refuses %s', async (_, args, sentence) => {
  const child = start(...args);
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  expect((await once(child, 'close'))[0]).toBe(1);
  expect(said).toMatch(sentence);
});
