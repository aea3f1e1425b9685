import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'sluice-cli-'))));
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The real command line, with nothing up and no AWS. */
function sluice(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../../cli/sluice.ts'), ...args], {
    env: { PATH, SLUICE_STATE_DIR: dir, AWS_EC2_METADATA_DISABLED: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said.err += text.toString()));
  return new Promise((settle) => child.once('close', (code) => settle({ code, ...said })));
}

test.each<[string, string[], RegExp]>([
  ['a file that is not there', ['drop', '/no/such', '--feed', 'traffic'], /^sluice: \/no\/such: no such file\.$/],
  ['a folder', ['drop', '/', '--feed', 'traffic'], /is a folder/],
  ['two files of one name', ['drop', '/etc/hosts', '/etc/../etc/hosts', '--feed', 'traffic'], /have the same name/],
  [
    'one of several files that is not there',
    ['drop', '/etc/hosts', '/no/such', '--feed', 'traffic'],
    /\/no\/such: no such/,
  ],
  ['two documents on stdout', ['dlq', 'export', '--feed', 'traffic', '--json'], /name a file for the CSV with --out/],
  ['a state that there is not', ['status', '--state', 'broken'], /There is no state 'broken'\. States: splitting/],
  ['an error with --quiet', ['--quiet', 'drop', '/no/such', '--feed', 'traffic'], /no such file/],
  ['an unknown feed', ['drop', '/dev/null', '--feed', 'trafic'], /There is no feed 'trafic'\. Feeds: traffic/],
  ['to check a folder', ['check', '/', '--feed', 'traffic'], /is a folder; check expects one file/],
  ['to check a file that is not there', ['check', '/no/such', '--feed', 'traffic'], /no such file/],
  ['to check for an unknown feed', ['check', '/dev/null', '--feed', 'trafic'], /There is no feed 'trafic'/],
  [
    'to check for an unknown stage',
    ['check', '/dev/null', '--feed', 'traffic', '--stage', 'x'],
    /There is no stage 'x'/,
  ],
  ['to check at no time', ['check', '/dev/null', '--feed', 'traffic', '--at', 'soon'], /It must be a time/],
  [
    'to write rejects over a file',
    ['check', '/no/such', '--feed', 'traffic', '--rejects', '/dev/null'],
    /file exists already/,
  ],
  ['no feed', ['drop', '/dev/null'], /--feed <name>' not specified/],
  ['no stack that is up', ['status', '--json'], /No local cloud is up\. Start one with/],
  ['no stack that is up, for a DLQ', ['dlq', 'list', '--feed', 'traffic', '--json'], /No local cloud is up/],
  [
    'a reason of work',
    ['dlq', 'redrive', '--feed', 'traffic', '--queue', 'intake', '--reason', 'x'],
    /Only letters have/,
  ],
  ['a record that is no number', ['dlq', 'show', 'f', 'two'], /A record is named by its number in the file/],
  ['to resolve without a record', ['dlq', 'resolve', 'f', '--why', 'x'], /Select the records in one way/],
  ['to resolve for no reason', ['dlq', 'resolve', 'f', '1', '--why', ' '], /State with --why/],
  ['a CSV that is not there', ['dlq', 'reingest', '/no/such.csv', '--dry-run'], /\/no\/such\.csv: no such file/],
  ['to correct for no reason', ['dlq', 'reingest', '/no/such.csv', '--yes'], /State with --why what was corrected/],
  ['a file that is no CSV of ours', ['dlq', 'reingest', '/dev/null', '--dry-run'], /has no columns sluice_file_id/],
  ['no API', ['up'], /Set SLUICE_TRAFFIC_API_URL and SLUICE_TRAFFIC_API_TOKEN/],
  ['no port', ['up', '--port', '70000'], /must be a number from 1 to 65535/],
  ['to take down a stack in AWS', ['down', '--stack', 'sluice-prod'], /npx cdk destroy.*docs\/deployment\.md/],
  ['an unknown command', ['lift'], /unknown command 'lift'/],
  ['an unknown option', ['status', '--jsn'], /unknown option '--jsn'/],
  ['no AWS credentials', ['status', '--stack', 'sluice-prod'], /region|credentials/i],
])('refuses %s with an explanation, exit code 1 and nothing on stdout', async (_what, args, sentence) => {
  const { code, out, err } = await sluice(args);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err.trim()).toMatch(sentence);
  expect(err).not.toMatch(/^ {4}at /m);
});

test('reports that nothing answers at the local cloud’s address', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  const gone = { 'sluice-local': { endpointUrl: `http://127.0.0.1:${port}`, stateDir: dir, kind: 'ministack' } };
  await writeFile(join(dir, 'stacks.json'), JSON.stringify(gone));
  const { code, out, err } = await sluice(['status', '--json']);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err.trim()).toMatch(/^sluice: Nothing answers at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)\. .*`npx sluice up`\.$/);
  expect((await sluice(['status', '--debug'])).err).toMatch(/^ {4}at /m);
  await rm(join(dir, 'stacks.json'));
});

test('check reports its result by its exit code, and with --json in one document', async () => {
  const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
  const file = async (name: string, rows: string) => {
    await writeFile(join(dir, name), rows);
    return join(dir, name);
  };
  const good = await file('good.csv', `${header}\nS1,W,2026-01-05 06:00:00,30,Acme\n`);
  const bad = await file('bad.csv', `${header}\nS1,W,2026-01-05 06:00:00,x,Acme\n`);
  const none = await file('none.csv', 'a,b\n1,2\n');
  const [clean, rejects, refused] = await Promise.all(
    [good, bad, none].map((path) => sluice(['check', path, '--feed', 'traffic', '--json'])),
  );
  expect([clean?.code, rejects?.code, refused?.code]).toEqual([0, 2, 1]);
  expect(JSON.parse(clean?.out ?? '')).toMatchObject({ valid_records: 1, rejected_records: 0 });
  expect(JSON.parse(rejects?.out ?? '')).toMatchObject({ rejects: [{ field: 'Duration', count: 1 }] });
  expect(JSON.parse(refused?.out ?? '')).toMatchObject({ state: 'failed', failure: { code: 'missing_columns' } });
}, 60_000);

test('down lists what it leaves, and why', async () => {
  const log = join(dir, 'endpoint.log');
  await writeFile(log, 'what happened');
  const { code, out, err } = await sluice(['down']);
  expect({ code, out }).toEqual({ code: 0, out: '' });
  expect(err).toContain('No stack was up.');
  expect(err).toContain(`Kept: the endpoint's log, ${log}, in case you need to investigate.`);
  await rm(log);
});

test('prints its version, from package.json', async () => {
  const text = await readFile(resolve(import.meta.dirname, '../../../package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  expect(await sluice(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

test('prints only its result with --quiet', async () => {
  expect(await sluice(['down', '--quiet'])).toEqual({ code: 0, out: '', err: '' });
  const { out, err } = await sluice(['down', '--quiet', '--json']);
  // What is left depends on what ran in this checkout before.
  expect([JSON.parse(out), err]).toEqual([{ stacks: [], left: expect.any(Array) as string[] }, '']);
});

test('help goes to stdout with exit code 0', async () => {
  const { code, out } = await sluice(['drop', '--help']);
  expect(code).toBe(0);
  expect(out).toContain('--stack <name>');
});
