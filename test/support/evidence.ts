import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import { amendAfterSeconds } from '../../lambdas/core/account/amendment.ts';
import type { Verified } from '../../cli/verify/verified.ts';
import { DoesNotHoldError } from '../../cli/verify/verified.ts';
import type { GivenFiles } from '../../cli/verify/verify-file.ts';
import { verifyFile } from '../../cli/verify/verify-file.ts';
import { finalizeFile } from '../../lambdas/finalizer/finalize-file.ts';
import type { Signer } from '../../lambdas/ports.ts';
import type { FeedFixture } from './feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from './feed-fixture.ts';
import { inMemoryArchive, partsInMemory } from './in-memory-archive.ts';
import type { ConsumerWorld } from './in-memory-ports.ts';
import { consumerWorld, silentLog, unheardNotices } from './in-memory-ports.ts';
import { SimulatedClock } from './simulated-clock.ts';

/** A file's evidence, made by consumer and finalizer. */
export interface Evidence {
  world: ConsumerWorld;
  fixture: FeedFixture;
  /** By the archive's keys; the source is the fixture's. */
  objects: Map<string, Buffer>;
  /** Writes the next manifest. */
  amend: () => Promise<void>;
}

const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

/**
 * @param records good ones but for every seventh, which is rejected
 * @param signer of the manifests, if they are signed
 * @param startMs when the file is claimed, in milliseconds since 1970
 */
export async function makeEvidence(records: number, signer?: Signer, startMs?: number): Promise<Evidence> {
  const clock = new SimulatedClock(startMs);
  const rows = Array.from({ length: records }, (_, n) => ({ ...rowOf(n + 1), Duration: n % 7 === 3 ? 'long' : '30' }));
  const fixture = fixtureOf(rows);
  const world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  const objects = new Map<string, Buffer>();
  const ports = {
    ledger: world.ledger,
    receipts: world.ports.receipts,
    archive: {
      ...inMemoryArchive(objects),
      copySource: async (_: unknown, key: string) => {
        objects.set(key, Buffer.from(fixture.message.body));
        return { key };
      },
    },
    ...partsInMemory(objects),
    archiveBucket: 'archive',
    reported: () => ({ sink: 'http' as const, limit: { requests: 600, windowSeconds: 60 } }),
    feedDecisions: async () => [],
    signer,
    finalize: world.ports.finalize,
    desk: { notify: async () => undefined },
    ...unheardNotices,
    events: { publish: async () => undefined },
    clock,
    log: silentLog,
    version: '1.2.3',
  };
  const finalize = (amend: boolean) =>
    finalizeFile({ v: 1, kind: 'finalize', feed: 'traffic', fileId: fixture.fileId, amend }, ports, deadline);
  await clock.run(deliverBatch(fixture.message, world.ports, deadline));
  for (const letter of world.letters) await world.ledger.adoptLetter(letter, { id: letter.letter_id, sentAt: 0 });
  await finalize(false);
  const amend = async () => {
    await clock.advance(amendAfterSeconds * 1000);
    await finalize(true);
  };
  return { world, fixture, objects, amend };
}

/** As in a copy of the archive on a disk; each object below the file's folder. */
export function writeEvidence(objects: ReadonlyMap<string, Buffer>, dir: string): void {
  for (const [key, bytes] of objects) {
    const path = join(dir, pathOf(key));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

/** Below the file's folder. */
const pathOf = (key: string): string =>
  key.includes('/source/') ? key.slice(key.indexOf('/source/') + 1) : key.slice(key.lastIndexOf('/') + 1);

export interface Verdict {
  /** Nothing that was checked is wrong. */
  holds: boolean;
  /** Everything was checked. */
  isComplete: boolean;
  said: string;
}

/** By what `sluice verify` does. */
export const verifyHere = (path: string, given: GivenFiles = {}): Promise<Verdict> =>
  verdictOf(verifyFile(path, given));

export async function verdictOf(checks: AsyncIterable<Verified>): Promise<Verdict> {
  const said: string[] = [];
  try {
    let isComplete = true;
    for await (const { sentence, isSkipped } of checks) {
      said.push(sentence);
      if (isSkipped) isComplete = false;
    }
    return { holds: true, isComplete, said: said.join('\n') };
  } catch (error) {
    if (!(error instanceof DoesNotHoldError)) throw error;
    return { holds: false, isComplete: false, said: error.message };
  }
}

/** By the second verifier, which shares no code with the first; undefined without Python. */
export function verifyByPython(...args: string[]): Verdict | undefined {
  const script = resolve(import.meta.dirname, '../verifier/verify.py');
  const { status, stdout, stderr, error } = spawnSync('python3', [script, ...args], { encoding: 'utf8' });
  // A machine may have Docker in its place: then the first verifier is alone.
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
  if (error) throw error;
  return { holds: status === 0 || status === 3, isComplete: status === 0, said: `${stdout}${stderr}` };
}
