import type { FileAccount, NightMark } from '../core/account/file-account.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { ContradictionError } from '../core/errors.ts';
import type { NightHead } from '../core/nights/night-head.ts';
import type { NightFacts } from '../core/nights/build-night.ts';
import { buildNight } from '../core/nights/build-night.ts';
import type { NightEntry } from '../core/nights/night-entry.ts';
import { isUnfinished, nightEntry } from '../core/nights/night-entry.ts';
import { nightKeysOf } from '../core/nights/night-keys.ts';
import { nightMail } from '../core/nights/night-mail.ts';
import { renderNight } from '../core/nights/night-page.ts';
import { nightBegun, nightDueAt, nightEndAfter } from '../core/nights/night-times.ts';
import { stateOf } from '../core/nights/night-file.ts';
import { sha256Of } from '../core/records/identity.ts';
import { mustHaveSha256 } from '../archived-sha256.ts';
import type { Archive, AuditLog, Clock, Desk, ExpectedLedger, FileLedger, NightLedger, NightQueue } from '../ports.ts';
import { gatherExpectations } from './gather-expectations.ts';
import type { EntriesBefore } from './gather-night.ts';
import { filesSince, gatherDead, gatherNight, rememberedMs } from './gather-night.ts';
import type { SigningPorts } from './sign-manifest.ts';
import { announceSignature, signManifest } from './sign-manifest.ts';
import type { ReportedFeed } from './write-report.ts';

export interface WriteNightsPorts extends SigningPorts {
  ledger: Pick<FileLedger, 'getFile' | 'getManifestFigures' | 'eachFile'> &
    NightLedger &
    Pick<ExpectedLedger, 'getExpected'>;
  archive: Pick<Archive, 'has' | 'getText' | 'putOnce' | 'getStream'>;
  archiveBucket: string;
  reported: (feed: string) => ReportedFeed | undefined;
  nights: NightQueue;
  desk: Desk;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
  version: string;
  stackName: string;
}

/** Files marked at the same time. */
const markedAtOnce = 25;

/**
 * Writes the oldest entry of a feed's night log that is due, and asks for the next one. Any number of finalizers may do so
 * at once, and each may be killed at any point: an entry is stored under its number once, and a finalizer that finds it
 * continues with it. Its hash is noted before it is stored, so that no other object is signed; its files are marked before
 * the next one is made, so that each is received in one entry only.
 */
export async function writeNights(feed: string, ports: WriteNightsPorts): Promise<void> {
  const { ledger, clock, log } = ports;
  const deadline = ports.reported(feed)?.deadline;
  const head = await openedLog(feed, nightBegun(clock.now(), deadline), ports);
  if (clock.now() < nightDueAt(head.to, deadline)) return log.info('no entry of the night log is due', { feed });
  const stored = await storedEntry(feed, head, ports);
  if (!stored) return log.info('the entry was closed by another finalizer', { feed, number: head.number + 1 });
  const { entry, text } = stored;
  const sha256 = sha256Of(text);
  const place = { feed, number: entry.number, sha256 };
  if (!(await signManifest(text, entry, ports))) {
    log.error('the signing key was replaced while the entry was written: it stays unsigned', place);
  }
  await markFiles(entry, ports);
  const { subject, text: mail } = nightMail(entry, sha256, ports.stackName);
  // The mail first: a finalizer that dies before the note sends it twice rather than never.
  await ports.desk.notify(subject, mail);
  const to = entry.is_complete ? Date.parse(entry.to) : head.to;
  if (!(await ledger.closeNight(feed, entry.number, to, sha256, !entry.is_complete)))
    return log.info('closed by another finalizer', place);
  log.info('night closed', { ...place, files: entry.files, sums: entry.sums, deadline: entry.deadline });
  if (clock.now() >= nightDueAt(to, deadline)) await ports.nights.askForNight(feed);
}

/** The log as far as it is. At its beginning, the files that came before its first night are marked: it invents no past. */
async function openedLog(feed: string, from: number, ports: WriteNightsPorts): Promise<NightHead> {
  const { ledger, log } = ports;
  const head = (await ledger.getNight(feed)) ?? (await ledger.beginNights(feed, from));
  if (!head.isOpening) return head;
  let past: FileAccount[] = [];
  for await (const file of filesSince(feed, head.to - rememberedMs, ports)) {
    if (!file.night && file.createdAt < head.to) past.push(file);
    if (past.length < markedAtOnce) continue;
    await markPast(past, ports);
    past = [];
  }
  await markPast(past, ports);
  await ledger.endOpening(feed);
  log.info('the night log begins', { feed, from: head.to });
  return head;
}

async function markPast(files: readonly FileAccount[], { ledger }: Pick<WriteNightsPorts, 'ledger'>): Promise<void> {
  const markOf = (file: FileAccount): NightMark => {
    return { entry: 0, noted: 0, manifest: file.manifest?.number ?? 0, state: stateOf(file) };
  };
  await Promise.all(files.map((file) => ledger.markNight(file.fileId, markOf(file))));
}

/** The entry in the archive: the one that is there, or a new one. Undefined if it was closed meanwhile. */
async function storedEntry(
  feed: string,
  head: NightHead,
  ports: WriteNightsPorts,
): Promise<{ entry: NightEntry; text: string } | undefined> {
  const { archive, ledger } = ports;
  const number = head.number + 1;
  const key = nightKeysOf(feed).entry(number);
  let text = await archive.getText(key);
  if (text === undefined) {
    const made = await makeEntry(feed, head, ports);
    if (!(await ledger.noteDraft(feed, number, sha256Of(made)))) return undefined;
    const isStored = (await archive.putOnce(key, made, 'application/json')) === 'stored';
    text = isStored ? made : ((await archive.getText(key)) ?? '');
  }
  const now = await ledger.getNight(feed);
  if (now?.number !== head.number) return undefined;
  if (!now.drafts?.includes(sha256Of(text))) {
    throw new ContradictionError(`The archive's object ${key} is not one that a finalizer of Sluice has stored.`);
  }
  return { entry: nightEntry.parse(JSON.parse(text)), text };
}

async function makeEntry(feed: string, head: NightHead, ports: WriteNightsPorts): Promise<string> {
  const deadline = ports.reported(feed)?.deadline;
  const keys = nightKeysOf(feed);
  const number = head.number + 1;
  const now = ports.clock.now();
  const night = { from: head.to, to: nightEndAfter(head.to, deadline) };
  const { to } = night;
  const facts: NightFacts = {
    ...{ number, feed, deadline, ...night, written: now },
    previousSha256: head.sha256 ?? null,
    continues: head.isContinued ?? false,
    ...(await gatherNight(feed, to, await entriesBefore(feed, head, ports), ports)),
    expectations: await gatherExpectations(feed, { ...night, now }, ports),
    openDeadLetters: await gatherDead(feed, ports),
    version: ports.version,
    archive: { bucket: ports.archiveBucket, entry_key: keys.entry(number), page_key: null, page_sha256: null },
    signature: await announceSignature(number, keys, ports),
  };
  const entry = buildNight(facts);
  return `${canonicalJson({ ...entry, archive: { ...entry.archive, ...(await storePage(entry, ports)) } })}\n`;
}

/** Of the last night, which may have several entries. One that was removed or changed says nothing: `verify` shows that. */
async function entriesBefore(
  feed: string,
  head: NightHead,
  { archive, log }: WriteNightsPorts,
): Promise<EntriesBefore> {
  const unfinished: string[] = [];
  let { number, sha256: expected } = head;
  let isFirst = number === 0;
  while (!isFirst) {
    const text = await archive.getText(nightKeysOf(feed).entry(number));
    if (text === undefined || sha256Of(text) !== expected) {
      log.error('an entry of the night log was removed or changed', { feed, number });
      break;
    }
    const { received, earlier, continues, previous_sha256: previous } = nightEntry.parse(JSON.parse(text));
    for (const file of [...received, ...earlier]) if (isUnfinished(file)) unfinished.push(file.file_id);
    isFirst = !continues;
    if (!isFirst) [number, expected] = [number - 1, previous ?? undefined];
  }
  return { unfinished, sameNight: head.isContinued ? number : undefined };
}

/** Stores the page before the entry, which names it by the SHA-256 of its bytes. */
async function storePage(
  entry: NightEntry,
  { archive, log }: WriteNightsPorts,
): Promise<Pick<NightEntry['archive'], 'page_key' | 'page_sha256'>> {
  let page: string;
  try {
    page = renderNight(entry);
  } catch (error) {
    log.error('the page of a night could not be drawn', { feed: entry.feed, number: entry.number, error });
    return { page_key: null, page_sha256: null };
  }
  const sha256 = sha256Of(page);
  const key = nightKeysOf(entry.feed).page(entry.number, sha256);
  const isStored = (await archive.putOnce(key, page, 'text/html; charset=utf-8')) === 'stored';
  if (!isStored) await mustHaveSha256(key, sha256, archive);
  return { page_key: key, page_sha256: sha256 };
}

/** Notes in the item of each file which entry mentions it, and how it stood. */
async function markFiles({ number, received, earlier }: NightEntry, { ledger }: WriteNightsPorts): Promise<void> {
  const files = [...received.map((file) => ({ ...file, entry: number })), ...earlier];
  for (let from = 0; from < files.length; from += markedAtOnce) {
    const some = files.slice(from, from + markedAtOnce);
    await Promise.all(
      some.map(({ file_id: fileId, entry, manifest, state }) =>
        ledger.markNight(fileId, { entry, noted: number, manifest: manifest?.number ?? 0, state }),
      ),
    );
  }
}
