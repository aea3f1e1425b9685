import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { sha256OfArchived } from '../archived-sha256.ts';
import { archiveKeysOf } from '../core/account/archive-keys.ts';
import type { Revision } from '../core/series/revision.ts';
import type { Archive, AuditLog } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { CutFile } from './cut-file.ts';
import type { KeepLease } from './keep-lease.ts';
import type { Compared } from './list-changes.ts';
import { listChanges } from './list-changes.ts';
import type { EarlierPorts } from './read-earlier.ts';

export interface ComparisonPorts extends Omit<EarlierPorts, 'onProgress'> {
  archive: Pick<Archive, 'getStream' | 'putStream' | 'has'>;
  log: Pick<AuditLog, 'warn'>;
}

class OutOfTimeError extends Error {}

/**
 * Stores the list of what a revision changes beside its evidence. It follows from the evidence alone, so a splitter that
 * was killed makes the same one again. With the number of removed records. Undefined if there is no time for it: the revision
 * doesn't wait for its list.
 * @throws ContradictionError if an earlier file in the archive was changed
 */
export async function storeComparison(
  file: CutFile,
  compared: Compared,
  { ports, deadline, keepLease }: { ports: ComparisonPorts; deadline: Deadline; keepLease: KeepLease },
): Promise<{ comparison: NonNullable<Revision['comparison']>; removed: number } | undefined> {
  const onProgress = async () => {
    if (deadline.isDrawingIn()) throw new OutOfTimeError();
    await keepLease();
  };
  try {
    const { lines, removed } = await listChanges(compared, { ...ports, onProgress });
    const keyOf = (number: number) => archiveKeysOf(file).changes(number);
    return { comparison: await store(keyOf, lines, ports.archive), removed };
  } catch (error) {
    if (!(error instanceof OutOfTimeError)) throw error;
    ports.log.warn('no time to list the changes of a revision', { correlation_id: file.fileId });
    return undefined;
  }
}

/** Under the first name that is free, or that has the same bytes. */
async function store(
  keyOf: (number: number) => string,
  lines: () => AsyncGenerator<string>,
  archive: ComparisonPorts['archive'],
): Promise<NonNullable<Revision['comparison']>> {
  let known: string | undefined;
  for (let number = 1; ; number++) {
    const key = keyOf(number);
    const hash = createHash('sha256');
    if (!(await archive.has(key))) await archive.putStream(key, Readable.from(inChunks(lines(), hash)), 'text/csv');
    else if (known === undefined) for await (const _ of inChunks(lines(), hash));
    known ??= hash.digest('hex');
    // Another splitter may have stored it meanwhile.
    if ((await sha256OfArchived(key, archive)) === known) return { key, sha256: known };
  }
}

const chunkCharacters = 64 * 1024;

async function* inChunks(lines: AsyncIterable<string>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  let text = '';
  for await (const line of lines) {
    text += line;
    if (text.length < chunkCharacters) continue;
    yield update(hash, text);
    text = '';
  }
  yield update(hash, text);
}

function update(hash: ReturnType<typeof createHash>, text: string): Buffer {
  const bytes = Buffer.from(text);
  hash.update(bytes);
  return bytes;
}
