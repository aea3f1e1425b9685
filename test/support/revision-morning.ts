import { gunzipSync } from 'node:zlib';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { resolvedBySluice } from '../../lambdas/core/series/superseded-letter.ts';
import type { LogRow } from './log-rows.ts';
import { exportOf } from './log-rows.ts';
import type { RevisionWorld } from './revision-world.ts';

/** What is known of a night. */
export interface Passed {
  world: RevisionWorld;
  revisions: readonly (readonly LogRow[])[];
  /** Spots that a person may have corrected a record to, by file and record. */
  corrected: ReadonlyMap<string, ReadonlySet<string>>;
  /** The API has one of a changed record, or the request names it. */
  replaces: boolean;
  /** Rules that accept damaged rows were deployed. */
  isDeployed: boolean;
}

export const idOf = (index: number): string => `traffic.${index + 1}`;

/** How a night ended. */
export interface NightEnd {
  unchanged: number;
  /** Of how many an account says that another one went on without it. */
  left: number;
  /** Of each file, with the reason if it has one. */
  states: string[];
}

/**
 * The API has the newest accepted revision, and an older revision's row where the newer one was rejected; nothing is there
 * twice or is obsolete, every account is exact and no file waits. @throws Error that says what is wrong
 */
export function checkMorning(passed: Passed): NightEnd {
  const { world, revisions, replaces } = passed;
  const manifests = revisions.map((_, index) => checkAccount(passed, index));
  const states = manifests.map(({ state, failure }) => `${state}${failure ? `: ${failure.code}` : ''}`);
  const demand = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`${what} (${states.join(', ')})`);
  };
  const { doubled, obsolete } = world.api;
  demand(doubled.length === 0, `The API has twice: ${doubled.join()}.`);
  demand(obsolete.length === 0, `Sent after a newer revision: ${obsolete.join()}.`);
  // A late revision is superseded: those that were dropped at the same moment come in any order.
  // A duplicate of one that is held is held with it.
  const newest = manifests.findLastIndex(
    ({ state, duplicate_of: of }) =>
      state === 'completed' || (of != null && world.manifestOf(of)?.state === 'completed'),
  );
  // Where the API keeps both of a changed record, a person decides about what is in doubt after an outage.
  if (newest < 0 && replaces) demand(false, 'Nothing was completed.');
  if (newest >= 0) checkSchedule(passed, newest, sentAs(world, idOf(newest)), demand);
  const isLeft = ({ file_id: own, decisions = [] }: Manifest) =>
    decisions.some(({ kind, earlier_file_id: earlier }) => kind === 'without' && earlier === own);
  const left = manifests.filter(isLeft).length;
  return { left, unchanged: manifests.reduce((sum, each) => sum + each.unchanged_records, 0), states };
}

/** The file whose records were sent, if this one is its duplicate. */
function sentAs(world: RevisionWorld, fileId: string): string {
  const of = world.manifestOf(fileId)?.duplicate_of;
  return of == null ? fileId : sentAs(world, of);
}

/** Of its newest manifest, against the receipts and what the API has seen. */
function checkAccount({ world, revisions }: Passed, index: number): Manifest {
  const fileId = idOf(index);
  const manifest = world.manifestOf(fileId);
  const demand = (holds: boolean, what: string): void => {
    if (!holds)
      throw new Error(
        `${fileId}: ${what} (${manifest?.state}${manifest?.failure ? `: ${manifest.failure.code}` : ''})`,
      );
  };
  if (!manifest) throw new Error(`${fileId} has no manifest: it waits for ever.`);
  const { amendmentRequestedAt } = world.file(fileId);
  demand(manifest.reconciled, 'The account is not exact.');
  demand(amendmentRequestedAt === undefined, 'A manifest is owed.');
  const rows = revisions[index] ?? [];
  const { uploaded_records, duplicate_records, unchanged_records, rejected_records, refused_records } = manifest;
  const ended = uploaded_records + duplicate_records + unchanged_records + rejected_records + refused_records;
  const total = ended + manifest.exhausted_records + manifest.held_records;
  const isCut = manifest.state !== 'duplicate' && manifest.failure?.code !== 'older_revision';
  demand(manifest.total_records === total, 'The sum is wrong.');
  if (isCut) demand(total === rows.length, `It has ${total} records, and ${rows.length} rows.`);
  const dead = world.ledger.dead.values().filter((each) => each.fileId === fileId && each.state === 'dead');
  demand(manifest.dead_lettered_records === dead.length, `${dead.length} records are dead.`);
  checkReceipts(manifest, { world, revisions }, index, demand);
  return manifest;
}

interface ReceiptLine {
  record: number;
  outcome: string;
  request_id: string | null;
  attempts: number;
}

function checkReceipts(
  manifest: Manifest,
  { world, revisions }: Pick<Passed, 'world' | 'revisions'>,
  index: number,
  demand: (holds: boolean, what: string) => void,
): void {
  const { receipts_key: key } = manifest.archive;
  if (key === null) return;
  const lines = gunzipSync(world.archived.get(key) ?? Buffer.of())
    .toString()
    .split('\n')
    .filter(Boolean);
  const bytesOf = (rows: readonly LogRow[]) => exportOf(rows).toString();
  const own = bytesOf(revisions[index] ?? []);
  const hasTwin = revisions.some((rows, other) => other !== index && bytesOf(rows) === own);
  for (const line of lines) {
    const { record, outcome, request_id: id } = JSON.parse(line) as ReceiptLine;
    if (outcome === 'uploaded') demand(id !== null && world.api.knows(id), `Record ${record} was not uploaded.`);
    if (outcome === 'held' && !hasTwin)
      demand(id === null || !world.api.knows(id), `Record ${record} is held, and was sent.`);
  }
}

function checkSchedule(
  { world, revisions, corrected, isDeployed }: Passed,
  newest: number,
  /** The file that was sent: the newest one may be its duplicate. */
  fileId: string,
  demand: (holds: boolean, what: string) => void,
): void {
  const { schedule } = world.api;
  const rows = revisions[newest] ?? [];
  // Of several rows with one identity, the API keeps the one that it saw first, and batches are sent side by side.
  const clientsOf = (spot: string, within: readonly LogRow[]): string[] =>
    within.flatMap((row) => (row.spot === spot && (isDeployed || !row.isDamaged) ? [row.client] : []));
  for (const [index, { spot, isDamaged }] of rows.entries()) {
    // A person has sent another spot in its place.
    if ([...(corrected.get(`${fileId}/${index + 1}`) ?? [])].some((other) => other !== spot)) continue;
    const clients = clientsOf(spot, rows);
    const has = schedule.get(spot);
    if (has === undefined && isSettledForNewer(world, fileId, index + 1)) continue;
    if (!isDamaged)
      demand(has !== undefined && clients.includes(has), `${spot} is ${has}, not ${clients.join(' or ')}.`);
    else if (has !== undefined) {
      const earlier = [...clients, ...revisions.slice(0, newest).flatMap((each) => clientsOf(spot, each))];
      demand(
        rows.some((row) => row.spot === spot && row.client === has) || earlier.includes(has),
        `${spot} is ${has}.`,
      );
    }
  }
  // What came later and is held was sent in part. Of what came earlier, a person has removed what was reported.
  const laterSpots = revisions.slice(newest).flatMap((each) => each.map(({ spot }) => spot));
  const laterCorrected = [...corrected].flatMap(([place, spots]) => {
    const number = Number(/\.(\d+)\//.exec(place)?.[1]);
    return number > newest || place.startsWith(`${fileId}/`) ? [...spots] : [];
  });
  const allowed = new Set([...laterSpots, ...laterCorrected]);
  for (const spot of schedule.keys())
    demand(allowed.has(spot), `${spot} is not in the newest revision, and was not reported.`);
}

/** Its dead letter was settled for a newer revision, which is held: the record waits with that one for a person. */
function isSettledForNewer(world: RevisionWorld, fileId: string, record: number): boolean {
  return world.ledger.dead.get(`${fileId}#${record}`)?.resolvedBy === resolvedBySluice;
}
