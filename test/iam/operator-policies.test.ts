import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { localAccount, localRegion } from '../../localstack/aws-environment.ts';
import { readDecisions } from '../../localstack/read-decisions.ts';
import type { ClientAs } from '../support/assume-role.ts';
import { assumeNewRole } from '../support/assume-role.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { maintenanceRecord } from '../support/maintenance-records.ts';
import { newPrefix } from '../support/revision-exports.ts';
import { sluiceAs } from '../support/sluice-as.ts';
import { header } from '../support/traffic-exports.ts';
import { makeWaitingRevision } from '../support/waiting-revision.ts';

type Role = 'reader' | 'operator';

const id = randomUUID().slice(0, 8);
const roleNames = { reader: `reader-${id}`, operator: `operator-${id}` } as const;
const why = ['--by', 'anna', '--why', 'a test'];
const roles = new Map<Role, ClientAs>();
let stack: DeployedStack;
let dir: string;
/** Five dead letters: records 2 to 5 are refused by the API, 6 is not valid. */
let deadFile: string;

const policyDocument = z.object({ Statement: z.array(z.object({ Action: z.array(z.string()) })) });

/** docs/iam/, as an administrator fills it in. */
async function policyOf(role: Role): Promise<string> {
  const text = await readFile(resolve(import.meta.dirname, '../../docs/iam', `${role}.json`), 'utf8');
  return text
    .replaceAll('STACK', stack.cloud.stackName)
    .replaceAll('REGION', localRegion)
    .replaceAll('ACCOUNT', localAccount);
}

function decisionsOf(role: Role) {
  return readDecisions(stack.cloud.enforcement?.decisionsFile ?? '').filter(
    ({ caller }) => caller.split('/')[1] === roleNames[role],
  );
}

/** Runs a command, and expects that AWS denied it nothing. A command may get over a denial by itself. */
async function run(role: Role, args: readonly string[], code = 0): Promise<string> {
  const before = decisionsOf(role).length;
  const end = await sluiceAs(clientOf(role), stack.cloud.stackName, args);
  const denied = decisionsOf(role)
    .slice(before)
    .filter(({ decision }) => decision !== 'Allow')
    .map(({ action, resource }) => `${action} on ${resource}`);
  const of = args.slice(0, 2).join(' ');
  expect.soft({ of, denied }).toEqual({ of, denied: [] });
  expect.soft(end, `${of}: ${end.err}`).toMatchObject({ code, fault: undefined });
  return end.out;
}

function clientOf(role: Role): ClientAs {
  const client = roles.get(role);
  if (!client) throw new Error(`The role ${role} was not made.`);
  return client;
}

const parsed = <T>(schema: z.ZodType<T>, text: string): T => schema.parse(JSON.parse(text));
const dropped = z.object({ file_id: z.string() });

async function writeTraffic(name: string, rows: readonly string[]): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, [header, ...rows, ''].join('\n'));
  return path;
}

const row = (number: number, duration = '30') => `${id}-${number},W,t,${duration},c,x`;

beforeAll(async () => {
  stack = new DeployedStack();
  dir = await mkdtemp(join(tmpdir(), 'sluice-iam-'));
  for (const role of ['reader', 'operator'] as const) {
    roles.set(role, await assumeNewRole(stack.cloud, roleNames[role], await policyOf(role)));
  }
});

afterAll(() => stack.setFaults({}));

it('an operator drops a file and follows it', async () => {
  await stack.setFaults({ refuseSpots: [2, 3, 4, 5].map((number) => `${id}-${number}`) });
  const rows = [...[1, 2, 3, 4, 5].map((number) => row(number)), row(6, 'bad')];
  const path = await writeTraffic(`${id}.csv`, rows);
  const out = await run('operator', ['drop', path, '--feed', 'traffic', '--wait', '--json'], 2);
  deadFile = parsed(dropped, out).file_id;
  await waitFor('the letters to reach the DLQ', async () =>
    (await stack.depth('TrafficLettersQueueUrl')) === 0 && (await stack.depth('TrafficDlqUrl')) === 5
      ? true
      : undefined,
  );
});

it('a reader sees everything', async () => {
  const small = await stack.drop(`maintenance/${id}.json`, JSON.stringify(maintenanceRecord(id)));
  await stack.manifestOf(small.fileId);
  const evidence = join(dir, 'evidence');
  const commands = [
    ['status'],
    ['status', deadFile],
    ['watch', '--once'],
    ['limit', 'traffic'],
    ['manifest', deadFile],
    ['report', deadFile, '--out', join(dir, 'report.html')],
    ['receipts', deadFile],
    ['prove', deadFile, '--record', '1'],
    ['evidence', deadFile, '--out', evidence],
    ['verify', join(evidence, 'manifest.json')],
    ['records', small.fileId],
    ['dlq', 'list', '--feed', 'traffic'],
    ['dlq', 'show', deadFile, '2'],
    ['dlq', 'export', '--feed', 'traffic', '--file', deadFile],
  ];
  for (const command of commands) await run('reader', command);
});

it.each([
  ['pause', ['pause', 'traffic', ...why]],
  ['limit', ['limit', 'traffic', '--requests', '1000', ...why]],
  ['drop', ['drop', 'FILE', '--feed', 'traffic']],
  ['dlq resolve', ['dlq', 'resolve', 'DEAD', '2', ...why]],
])('a reader is denied %s', async (_, command) => {
  const path = await writeTraffic(`${id}-denied.csv`, [row(9)]);
  const args = command.map((arg) => ({ FILE: path, DEAD: deadFile })[arg] ?? arg);
  const end = await sluiceAs(clientOf('reader'), stack.cloud.stackName, args);
  expect(end.fault).toMatch(/AWS refused it/);
  expect(end.code).toBe(1);
});

it('an operator stops and starts sending', async () => {
  await run('operator', ['limit', 'traffic', '--requests', '2000', ...why]);
  await run('operator', ['limit', 'traffic', '--reset']);
  await run('operator', ['pause', 'traffic', ...why]);
  const path = await writeTraffic(`${id}-stopped.csv`, [row(10), row(11)]);
  const out = await run('operator', ['drop', path, '--feed', 'traffic', '--json']);
  const { file_id: fileId } = parsed(dropped, out);
  await waitFor('the file to be known', async () => (await stack.ledger.getFile(fileId)) && true);
  await run('operator', ['cancel', fileId, '--no-wait', ...why]);
  await run('operator', ['resume', 'traffic', ...why]);
  await stack.manifestOf(fileId);
  await run('operator', ['release', fileId, ...why]);
  expect(await stack.stored(`${id}-1`)).toHaveLength(3);
});

it('an operator redrives, resolves and corrects dead letters', async () => {
  await stack.setFaults({ refuseSpots: [3, 4, 5].map((number) => `${id}-${number}`) });
  const letters = ['--feed', 'traffic', '--file', deadFile];
  await run('operator', ['dlq', 'redrive', '--feed', 'traffic', '--yes'], 2);
  await run('operator', ['dlq', 'redrive', '--feed', 'traffic', '--queue', 'records']);
  await run('operator', ['dlq', 'resolve', deadFile, '3', ...why]);
  const csv = join(dir, 'dead.csv');
  await run('operator', ['dlq', 'export', ...letters, '--out', csv]);
  const corrected = (await readFile(csv, 'utf8')).replace(',bad,', ',30,');
  await writeFile(csv, corrected);
  await run('operator', ['dlq', 'reingest', csv, '--yes', ...why]);
  expect(await stack.manifestOf(deadFile)).toMatchObject({ reconciled: true, handled_records: 1 });
});

it('an operator lets a revision go on without an earlier one', async () => {
  const { earlier, newer } = await makeWaitingRevision(stack, newPrefix());
  await run('operator', ['release', newer.fileId, '--without', earlier.fileId, '--no-wait', ...why]);
  const decision = { kind: 'without', by: 'anna', newer_file_id: newer.fileId, earlier_file_id: earlier.fileId };
  expect(await stack.manifestOf(earlier.fileId)).toMatchObject({ state: 'superseded', decisions: [decision] });
  await stack.setFaults({});
  expect(await stack.manifestOf(newer.fileId)).toMatchObject({
    ...{ state: 'completed', total_records: newer.rows, dead_lettered_records: 0, decisions: [decision] },
  });
});

/** What a command needs only where AWS differs from the local cloud, or in a case that this test does not make. */
const neededInAwsAlone = new Set([
  // Without it, AWS answers 403 instead of 404 about an object that is not there.
  's3:ListBucket',
  // MiniStack has no move tasks: the command moves the messages itself.
  'sqs:StartMessageMoveTask',
  // Messages that a DLQ has besides the letters.
  'sqs:ChangeMessageVisibility',
  // Of a file in parts, after an interruption.
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
]);

it('the policies grant nothing that no command calls', async () => {
  // The operator has the reader's permissions, and does not repeat all that the reader did.
  const used = new Set([...decisionsOf('reader'), ...decisionsOf('operator')].map(({ action }) => action));
  for (const role of ['reader', 'operator'] as const) {
    const { Statement } = parsed(policyDocument, await policyOf(role));
    const unused = Statement.flatMap(({ Action }) => Action).filter(
      (action) => !used.has(action) && !neededInAwsAlone.has(action),
    );
    expect({ role, unused: [...new Set(unused)].sort() }).toEqual({ role, unused: [] });
  }
});
