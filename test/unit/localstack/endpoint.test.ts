import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BringUpOptions } from '../../../localstack/endpoint.ts';
import { bringUpEndpoint, tearDownEndpoint } from '../../../localstack/endpoint.ts';
import { identifyProcess } from '../../../localstack/process-identity.ts';
import { writeStubPython } from './stub-python.ts';

let dir: string;
const stateDir = (name = 'state') => join(dir, name);
const venvDir = () => join(dir, 'venv');

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-endpoint-'));
});
afterEach(async () => {
  for (const name of readdirSync(dir)) await tearDownEndpoint(stateDir(name));
  rmSync(dir, { recursive: true, force: true });
});

function bringUp(options: Partial<BringUpOptions> = {}, stub = writeStubPython(join(dir, 'python'))) {
  const env = { SLUICE_PYTHON: stub, ...options.env };
  return bringUpEndpoint({ stateDir: stateDir(), venvDir: venvDir(), onProgress: () => undefined, ...options, env });
}

const answers = async (url: string) => (await fetch(url)).ok;

/** MiniStack's process and its worker's, of the latest start. */
function pids(name = 'state'): number[] {
  const last =
    readFileSync(join(stateDir(name), 'pids'), 'utf8')
      .trim()
      .split('\n')
      .at(-1) ?? '';
  return last.split(' ').map(Number);
}

const alive = (numbers: number[]) => numbers.filter((pid) => identifyProcess(pid));

function allGone(numbers: number[]): Promise<void> {
  return expect.poll(() => alive(numbers), { timeout: 10_000 }).toEqual([]);
}

describe('bringing up an endpoint', () => {
  it('starts one that answers, and finds it again the second time', async () => {
    const first = await bringUp();
    expect(first).toMatchObject({ kind: 'ministack', reused: false });
    expect(await answers(first.url)).toBe(true);
    expect(await bringUp()).toMatchObject({ url: first.url, reused: true });
  });

  it('returns one endpoint to two simultaneous callers', async () => {
    const stub = writeStubPython(join(dir, 'python'));
    const both = await Promise.all([bringUp({}, stub), bringUp({}, stub)]);
    expect(new Set(both.map(({ url }) => url)).size).toBe(1);
    expect(both.map(({ reused }) => reused).sort()).toEqual([false, true]);
  });

  it('gives each state directory an endpoint of its own, from one installation', async () => {
    const stub = writeStubPython(join(dir, 'python'));
    const names = ['one', 'two', 'three'];
    const started = await Promise.all(names.map((name) => bringUp({ stateDir: stateDir(name) }, stub)));
    expect(new Set(started.map(({ url }) => url)).size).toBe(3);
    expect(readdirSync(venvDir())).toHaveLength(1);
  });

  it('starts again after the endpoint was killed, and ends the worker it left', async () => {
    await bringUp();
    const [endpoint = 0, worker = 0] = pids();
    process.kill(endpoint, 'SIGKILL');
    await allGone([endpoint]);
    expect(alive([worker])).toEqual([worker]);
    expect((await bringUp()).reused).toBe(false);
    expect(alive([worker])).toEqual([]);
  });

  it('refuses a port in use, with a message that names it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(bringUp({ port })).rejects.toThrow(`Port ${port} is taken`);
    expect(existsSync(join(dir, 'python', 'made'))).toBe(false);
    server.close();
  });

  it('refuses another port than that of the running endpoint', async () => {
    const { url } = await bringUp();
    const port = Number(new URL(url).port);
    expect(await bringUp({ port })).toMatchObject({ reused: true });
    await expect(bringUp({ port: port - 1 })).rejects.toThrow(`is already running on port ${port}`);
  });

  it('shows the log of an endpoint that exits at its start, and leaves no record', async () => {
    const stub = writeStubPython(join(dir, 'python'), { dies: true });
    await expect(bringUp({}, stub)).rejects.toThrow(/ended with 3[^]*no licence to run/);
    expect(existsSync(join(stateDir(), 'endpoint.json'))).toBe(false);
  });

  it('stops what it was starting when it is aborted', async () => {
    const stub = writeStubPython(join(dir, 'python'));
    // Never answers: the worker's place is taken by a server that is not there.
    writeFileSync(join(dir, 'python', 'server.mjs'), 'setInterval(() => {}, 1000);');
    const abort = new AbortController();
    const started = bringUp({ signal: abort.signal }, stub);
    await expect.poll(() => existsSync(join(stateDir(), 'endpoint.json')), { timeout: 10_000 }).toBe(true);
    const record = JSON.parse(readFileSync(join(stateDir(), 'endpoint.json'), 'utf8')) as { process: { pid: number } };
    abort.abort(new Error('interrupted'));
    await expect(started).rejects.toThrow('interrupted');
    await allGone([record.process.pid]);
  });

  it('shows PyPI’s message when MiniStack can’t be installed, and retries the next time', async () => {
    const stub = writeStubPython(join(dir, 'python'), { installFails: true });
    await expect(bringUp({}, stub)).rejects.toThrow(/PIP_INDEX_URL[^]*no route to PyPI/);
    expect((await bringUp()).kind).toBe('ministack');
  });

  it('does not accept an interrupted installation as complete', async () => {
    const ended = spawn(process.execPath, ['-e', '']);
    await once(ended, 'exit');
    await bringUp();
    const [whole = ''] = readdirSync(venvDir());
    await tearDownEndpoint(stateDir());
    rmSync(join(venvDir(), whole), { recursive: true });
    mkdirSync(join(venvDir(), `${whole}.${ended.pid ?? 0}.x1.draft`, 'bin'), { recursive: true });
    await bringUp();
    expect(readdirSync(venvDir())).toEqual([whole]);
  });
});

describe('an external endpoint', () => {
  it('is used as it is, and never stopped', async () => {
    const server = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const endpoint = await bringUp({ env: { AWS_ENDPOINT_URL: `http://localhost:${port}/` } });
    expect(endpoint).toMatchObject({ kind: 'given', url: `http://127.0.0.1:${port}` });
    await endpoint.stop();
    expect((await fetch(endpoint.url)).status).toBe(404);
    server.close();
  });

  it('is refused with an explanation if nothing answers, or if it is not a URL', async () => {
    const env = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    await expect(bringUp({ env })).rejects.toThrow(/Nothing answers at AWS_ENDPOINT_URL http:\/\/127\.0\.0\.1:9/);
    await expect(bringUp({ env: { AWS_ENDPOINT_URL: 'localhost:4566' } })).rejects.toThrow(/not an http\(s\) URL/);
  });
});

describe('tearing an endpoint down', () => {
  it('ends the endpoint and its workers', async () => {
    const { stop } = await bringUp();
    expect(alive(pids())).toHaveLength(2);
    await stop();
    expect(alive(pids())).toEqual([]);
    await stop();
  });

  it('never kills another process that has the same process id by now', async () => {
    const { url } = await bringUp();
    const path = join(stateDir(), 'endpoint.json');
    const record = JSON.parse(readFileSync(path, 'utf8')) as { process: { startedAt: string } };
    record.process.startedAt = 'another boot 1';
    writeFileSync(path, JSON.stringify(record));
    await tearDownEndpoint(stateDir());
    expect(await answers(url)).toBe(true);
    const [endpoint = 0] = pids();
    process.kill(-endpoint, 'SIGKILL');
  });

  it('happens automatically with the process that started it, even if that is killed', async () => {
    const stub = writeStubPython(join(dir, 'python'));
    const program = `import { bringUpEndpoint } from ${JSON.stringify(join(import.meta.dirname, '../../../localstack/endpoint.ts'))};
      await bringUpEndpoint({ stateDir: ${JSON.stringify(stateDir())}, venvDir: ${JSON.stringify(venvDir())},
        lifetime: 'process', onProgress: () => {}, env: { SLUICE_PYTHON: ${JSON.stringify(stub)} } });
      console.log('up'); setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(starter.stdout, 'data');
    expect(alive(pids())).toHaveLength(2);
    starter.kill('SIGKILL');
    await allGone(pids());
  });

  it('does not keep its parent from exiting, and then stays', () => {
    const stub = writeStubPython(join(dir, 'python'));
    const program = `import { bringUpEndpoint } from ${JSON.stringify(join(import.meta.dirname, '../../../localstack/endpoint.ts'))};
      await bringUpEndpoint({ stateDir: ${JSON.stringify(stateDir())}, venvDir: ${JSON.stringify(venvDir())},
        onProgress: () => {}, env: { SLUICE_PYTHON: ${JSON.stringify(stub)} } });`;
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 30_000, stdio: 'inherit' });
    expect(alive(pids())).toHaveLength(2);
  });
});
