import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import { CliError } from '../../cli-error.ts';
import { readComparison } from '../../../lambdas/core/series/read-comparison.ts';
import { linesOf, readChunks, unpack } from '../evidence-lines.ts';
import { manifestName, readManifest } from '../read-manifest.ts';
import { readReceipt } from '../read-receipt.ts';
import type { OnProgress, Verified } from '../verified.ts';
import { DoesNotHoldError, mustHold } from '../verified.ts';
import { fileDigest } from '../file-digest.ts';
import { evidenceOf, verifyFile } from '../verify-file.ts';
import { CertainRevisions } from './certain-revisions.ts';
import { certainOf, checkChanges, checkCounts } from './check-changes.ts';
import type { RevisionRecords } from './revision-records.ts';
import { readRevision } from './revision-records.ts';

/** A copy of a revision's folder of the archive. */
interface RevisionFolder {
  path: string;
  /** The newest. */
  manifest: Manifest;
}

/**
 * Checks all revisions of a series: each account by itself, and each revision against those that it was compared with.
 * @param dir has a folder for each revision, as `evidence` copies them
 * @param given the key that manifests must be signed with
 * @throws DoesNotHoldError at the first check that fails
 * @throws CliError if there is no such folder
 */
export async function* verifySeries(
  dir: string,
  given: { publicKey?: string | undefined },
  onProgress: OnProgress = () => undefined,
): AsyncGenerator<Verified> {
  const folders = await findRevisions(dir);
  for (const folder of folders) {
    const path = join(folder.path, manifestName(folder.manifest.manifest_number));
    yield* of(folder, accountOf(verifyFile(path, given, onProgress)));
  }
  const byId = new Map(folders.map((folder) => [folder.manifest.file_id, folder]));
  for (const folder of folders) if (folder.manifest.compared_with.length > 0) yield* of(folder, compare(folder, byId));
}

async function findRevisions(dir: string): Promise<RevisionFolder[]> {
  const folders: RevisionFolder[] = [];
  for (const name of namesIn(dir)) {
    const path = join(dir, name);
    const numbers = namesIn(path).flatMap(
      (each) => /^manifest(?:\.([1-9][0-9]{0,8}))?\.json$/.exec(each)?.[1] ?? (each === 'manifest.json' ? '1' : []),
    );
    if (numbers.length === 0) continue;
    const newest = manifestName(Math.max(...numbers.map(Number)));
    const { manifest } = readManifest(readFileSync(join(path, newest)), newest);
    const twin = folders.find((each) => each.manifest.file_id === manifest.file_id);
    mustHold(!twin, `${twin ? basename(twin.path) : ''} and ${name} are folders of one file, ${manifest.file_id}`);
    folders.push({ path, manifest });
  }
  if (folders.length === 0) throw new CliError(`${dir} has no folder with a manifest: copy each with \`evidence\`.`);
  return folders.sort((a, b) => (a.manifest.times.received < b.manifest.times.received ? -1 : 1));
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Each check with the file that it is about. */
async function* of({ manifest }: RevisionFolder, checks: AsyncIterable<Verified>): AsyncGenerator<Verified> {
  try {
    for await (const check of checks) yield { ...check, sentence: `${manifest.file_id}: ${check.sentence}` };
  } catch (error) {
    if (!(error instanceof DoesNotHoldError)) throw error;
    throw new DoesNotHoldError(`${manifest.file_id}: ${error.message}`, { cause: error });
  }
}

/** All that holds in one sentence; what was not checked in its own. */
async function* accountOf(checks: AsyncIterable<Verified>): AsyncGenerator<Verified> {
  let valid = 0;
  for await (const check of checks) {
    if (check.isSkipped || check.isNote) yield check;
    else valid++;
  }
  yield { sentence: `its account is valid by itself (${valid} checks)` };
}

async function* compare(
  { path, manifest }: RevisionFolder,
  byId: ReadonlyMap<string, RevisionFolder>,
): AsyncGenerator<Verified> {
  const bases: (RevisionRecords | undefined)[] = [];
  for (const named of manifest.compared_with) {
    const folder = byId.get(named.file_id);
    if (folder) {
      bases.push(await readBase(folder, named));
      yield {
        sentence: `it was compared with ${named.file_id}, manifest ${named.manifest_number}, which is the one here`,
      };
    } else {
      bases.push(undefined);
      yield { sentence: `the revision ${named.file_id}, which it was compared with, is missing`, isSkipped: true };
    }
  }
  const files = evidenceOf(manifest, path, {});
  const own = await readRevision(manifest, { receipts: files.receipts, resolutions: files.resolutions });
  const listed = files.changes === undefined ? undefined : await checkChanges(files.changes, own, bases);
  if (listed) {
    checkCounts(listed, manifest);
    const figures = `${listed.changed} changed, ${listed.new} new, ${listed.removed} removed`;
    yield { sentence: `each row of the list of changes is right (${figures})` };
  } else yield { sentence: 'there is no list of changes', isSkipped: manifest.comparison !== undefined };
  const known = certainOf(bases).filter((each) => each !== undefined);
  const [newest] = known;
  if (!newest || known.length < certainOf(bases).length || files.receipts === undefined) return;
  const certain = new CertainRevisions(known, own);
  await addLists(certain, byId);
  let unchanged = 0;
  for await (const line of linesOf(unpack(files.receipts, 'the receipts'), 'the receipts')) {
    const { record, outcome, request_id: id } = readReceipt(line, 'a receipt');
    const isRemoved = id !== null && listed?.removedIds.has(id) === true;
    mustHold(!isRemoved, `record ${record} is in this file, and the list of changes calls it removed`);
    const isKnown = certain.coverContent(record);
    if (outcome === 'unchanged') {
      const other = id === null ? undefined : certain.contradicting(record, id);
      const deliverer = other ?? newest;
      mustHold(
        isKnown && !other,
        `record ${record} is unchanged, and ${deliverer.manifest.file_id} did not deliver its bytes`,
      );
      mustHold(!listed?.records.has(record), `record ${record} is unchanged, and the list of changes has it`);
      unchanged++;
    }
    const isAccounted = isKnown || !own.isIdentified(record) || !listed?.isWhole || listed.records.has(record);
    mustHold(isAccounted, `record ${record} is new or changed, and the list of changes does not have it`);
  }
  yield { sentence: `each of ${unchanged} unchanged records was delivered with the same bytes before` };
  if (!certain.areListed) {
    yield {
      sentence: 'a stopped earlier revision has no whole list of changes: what it took the place of was not checked',
      isNote: true,
    };
    return;
  }
  if (!listed) return;
  if (!listed.isWhole) {
    yield {
      sentence: 'not all new and changed records are listed: whether a removed one is missing was not checked',
      isNote: true,
    };
    return;
  }
  // What was not sent has no receipt here.
  if (manifest.held_records > 0) {
    yield {
      sentence: 'some records of this file are held: whether a removed record is missing from the list was not checked',
      isNote: true,
    };
    return;
  }
  for (const base of known) {
    const missing = base.firstUncovered();
    const where = `record ${missing} of ${base.manifest.file_id}`;
    mustHold(missing === undefined, `${where} is neither in this file nor listed as removed`);
  }
  const which = known.length === 1 ? 'the earlier revision' : `the ${known.length} earlier revisions`;
  yield { sentence: `every record of ${which} is unchanged, changed or removed` };
}

/** The lists of the stopped ones, as far as their folders have them. */
async function addLists(certain: CertainRevisions, byId: ReadonlyMap<string, RevisionFolder>): Promise<void> {
  for (const stopped of certain.stopped) {
    const { manifest } = stopped;
    const path = evidenceOf(manifest, byId.get(manifest.file_id)?.path ?? '', {}).changes;
    if (path === undefined) continue;
    const isNamed = (await fileDigest(path)).sha256 === manifest.comparison?.changes_sha256;
    mustHold(isNamed, `the list of changes of ${manifest.file_id} has another SHA-256`);
    await certain.addList(stopped, readComparison(readChunks(path)));
  }
}

/** @throws DoesNotHoldError if it is not the manifest that the newer revision was compared with */
async function readBase({ path }: RevisionFolder, named: Manifest['compared_with'][number]): Promise<RevisionRecords> {
  const name = manifestName(named.manifest_number);
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(path, name));
  } catch {
    throw new DoesNotHoldError(`${named.file_id} has no ${name}, which it was compared with`);
  }
  const isThatOne = named.manifest_sha256 === undefined || sha256Of(bytes) === named.manifest_sha256;
  mustHold(isThatOne, `${name} of ${named.file_id} is not the one that it was compared with`);
  const { manifest } = readManifest(bytes, name);
  const { receipts_key: key, receipts_sha256: sha256 } = manifest.archive;
  const isSame = key === named.receipts_key && sha256 === named.receipts_sha256 && manifest.file_id === named.file_id;
  mustHold(isSame, `${named.file_id} has other receipts than those that it was compared with`);
  const files = evidenceOf(manifest, path, {});
  mustHold(files.receipts !== undefined, `the receipts of ${named.file_id} are missing`);
  const hash = async (path: string) => (await fileDigest(path)).sha256;
  mustHold((await hash(files.receipts)) === sha256, `the receipts of ${named.file_id} have another SHA-256`);
  const { resolutions_key: resolutions, resolutions_sha256: resolutionsSha256 } = manifest.archive;
  mustHold(resolutions === null || files.resolutions !== undefined, `the resolutions of ${named.file_id} are missing`);
  if (files.resolutions !== undefined) {
    const isNamed = (await hash(files.resolutions)) === resolutionsSha256;
    mustHold(isNamed, `the resolutions of ${named.file_id} have another SHA-256`);
  }
  return readRevision(manifest, { receipts: files.receipts, resolutions: files.resolutions });
}
