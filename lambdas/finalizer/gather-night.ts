import type { FileAccount } from '../core/account/file-account.ts';
import type { ManifestSummary } from '../core/account/manifest.ts';
import { figuresOf, manifest as manifestSchema } from '../core/account/manifest.ts';
import { dayMs } from '../core/deadlines/feed-deadline.ts';
import type { EarlierFile, NightEntry, NightFile } from '../core/nights/night-entry.ts';
import { maxDeadFiles, maxFilesInEntry } from '../core/nights/night-entry.ts';
import { belongsInEntry, earlierFileOf, nightFileOf } from '../core/nights/night-file.ts';
import { ContradictionError } from '../core/errors.ts';
import { isoTime } from '../core/iso-time.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { Archive, FileLedger } from '../ports.ts';

export interface GatherNightPorts {
  ledger: Pick<FileLedger, 'getFile' | 'getManifestFigures' | 'eachFile'>;
  archive: Pick<Archive, 'getText'>;
}

/** A file that was closed longer ago is not mentioned any more. Milliseconds. */
export const rememberedMs = 45 * dayMs;
/** Files read at the same time. */
const readAtOnce = 25;

/** What the entries before say, as far as the next one depends on it. */
export interface EntriesBefore {
  /** Files that the last night has as unfinished. */
  unfinished: readonly string[];
  /** The first entry of the night that is continued; undefined if the next entry begins one. */
  sameNight: number | undefined;
}

export interface GatheredNight {
  received: NightFile[];
  earlier: EarlierFile[];
  isComplete: boolean;
}

/**
 * The files that the next entry is about. The index by feed says which may be; their items decide. A file is received in
 * one entry only: an earlier entry is noted in its item before the next one is made, and the item is read consistently. A
 * file that the index does not show yet is in a later entry.
 * @param to the end of the night; milliseconds since 1970
 * @param before the entries before
 */
export async function gatherNight(
  feed: string,
  to: number,
  before: EntriesBefore,
  ports: GatherNightPorts,
): Promise<GatheredNight> {
  // However long ago they came: it must be said how they have ended.
  const candidates = new Map(before.unfinished.map((fileId) => [fileId, 0]));
  for await (const file of filesSince(feed, to - rememberedMs, ports)) {
    if (belongsInEntry(file, to, before.sameNight)) candidates.set(file.fileId, file.createdAt);
  }
  const ids = [...candidates].sort(([, a], [, b]) => a - b).map(([fileId]) => fileId);
  const gathered: GatheredNight = { received: [], earlier: [], isComplete: true };
  for (let from = 0; from < ids.length && gathered.isComplete; from += readAtOnce) {
    const files = await Promise.all(ids.slice(from, from + readAtOnce).map((fileId) => ports.ledger.getFile(fileId)));
    const found = files.filter(
      (file): file is FileAccount => file !== undefined && belongsInEntry(file, to, before.sameNight),
    );
    const rows = await Promise.all(found.map(async (file) => ({ file, newest: await newestManifestOf(file, ports) })));
    for (const { file, newest } of rows) {
      const list = file.night ? gathered.earlier : gathered.received;
      if (list.length >= maxFilesInEntry) gathered.isComplete = false;
      else if (file.night) gathered.earlier.push(earlierFileOf(file, newest));
      else gathered.received.push(nightFileOf(file, newest));
    }
  }
  return gathered;
}

/** Every open file, and the others that came since then. In no particular order; a file may come twice. */
export async function* filesSince(
  feed: string,
  sinceMs: number,
  { ledger }: Pick<GatherNightPorts, 'ledger'>,
): AsyncGenerator<FileAccount> {
  yield* ledger.eachFile(feed, 'open');
  for await (const file of ledger.eachFile(feed, 'closed', { order: 'newest' })) {
    if (file.createdAt < sinceMs) return;
    yield file;
  }
}

/** From the ledger; a file that an earlier version closed has it in the archive only. */
async function newestManifestOf(
  { fileId, manifest }: FileAccount,
  { ledger, archive }: GatherNightPorts,
): Promise<{ figures: ManifestSummary; sha256: string } | undefined> {
  if (!manifest) return undefined;
  const figures = await ledger.getManifestFigures(fileId, manifest.number);
  if (figures) return { figures, sha256: figures.manifest_sha256 };
  const text = await archive.getText(manifest.key);
  if (text === undefined) throw new ContradictionError(`The archive's object ${manifest.key} can't be found.`);
  const sha256 = sha256Of(text);
  return { figures: figuresOf(manifestSchema.parse(JSON.parse(text)), sha256), sha256 };
}

/** All open dead letters of a feed, as of now. */
export async function gatherDead(feed: string, ports: GatherNightPorts): Promise<NightEntry['open_dead_letters']> {
  const gathered = { files: 0, records: 0, most: [] as NightEntry['open_dead_letters']['most'] };
  for await (const file of ports.ledger.eachFile(feed, 'dead', { order: 'newest' })) {
    const records = (await newestManifestOf(file, ports))?.figures.dead_lettered_records ?? 0;
    if (records === 0) continue;
    gathered.files++;
    gathered.records += records;
    const { fileId, source, createdAt } = file;
    gathered.most.push({ file_id: fileId, key: source.key.toWellFormed(), received: isoTime(createdAt), records });
    if (gathered.most.length >= 2 * maxDeadFiles) keepMost(gathered.most);
  }
  keepMost(gathered.most);
  return gathered;
}

function keepMost(most: NightEntry['open_dead_letters']['most']): void {
  most.sort((a, b) => b.records - a.records || (a.file_id < b.file_id ? -1 : 1));
  most.splice(maxDeadFiles);
}
