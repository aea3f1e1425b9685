import type { Buffer } from 'node:buffer';
import { compareControl } from '../content/compare-control.ts';
import { archiveKeysOf } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { isStopped } from '../core/account/quarantine.ts';
import type { Quarantine } from '../core/account/stops.ts';
import { isQuarantined, stopsOf } from '../core/account/stops.ts';
import type { ControlDifferences } from '../core/control/control-differences.ts';
import { unreadableControl } from '../core/control/control-differences.ts';
import { differingControl } from '../core/control/control-stops.ts';
import type { ControlState, FileControl } from '../core/control/file-control.ts';
import type { ControlledFile, SeenControl, SeenControls } from '../core/control/spoken-of.ts';
import { controlsOf, isSameVersion } from '../core/control/spoken-of.ts';
import { ContradictionError, SourceChangedError } from '../core/errors.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { SplitProgress } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { CutFile } from './cut-file.ts';
import type { ControlSettings } from './control-settings.ts';
import { nameIn } from './name-in-lane.ts';
import { reportIfLate } from './note-control.ts';
import { leaseKeeper } from './keep-lease.ts';
import type { SplitterPorts } from './splitter-ports.ts';

/** The file as far as it is read: `dialect` is absent if it has no records. */
export type ReadFile = FileAccount & { sha256: string };

export type ControlStep =
  /** To be saved, if anything: the file goes on, stopped or not. */
  | { kind: 'go'; progress?: Omit<SplitProgress, 'leaseUntil'> }
  /** For its control file. */
  | { kind: 'waiting'; progress?: Omit<SplitProgress, 'leaseUntil'> }
  | { kind: 'out-of-time'; progress?: Omit<SplitProgress, 'leaseUntil'> };

/**
 * Compares a file with the control file that its feed requires, before anything of it is sent. Changes nothing of the file;
 * everything else that it writes is repeatable. What it was compared with is pinned with the result: a control file that
 * comes later is reported, and changes nothing.
 */
export async function checkControl(
  file: ReadFile,
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<ControlStep> {
  const { control: rule, ledger, clock } = ports;
  // A file of which something was sent was read before its feed required control files.
  if (!rule || file.bundle || (file.control === undefined && file.checkpoint)) return { kind: 'go' };
  const fileName = nameIn(rule, file.source.key);
  const known = file.control ?? { state: 'waiting', kind: rule.kind, name: `${fileName}${rule.suffix}` };
  const seen = file.control
    ? await ledger.readControls(file.feed, fileName)
    : await ledger.enterControlled(file.feed, fileName, await versionOf(file, ports));
  const candidates = controlsOf(file.fileId, seen, rule.comes);
  if (known.state !== 'waiting') {
    // The one that was dropped while another was compared.
    for (const each of candidates) await reportIfLate(file, each, fileName, ports);
    return { kind: 'go' };
  }
  if (isStopped(file)) return { kind: 'go', progress: { control: { ...known, state: 'not_compared' } } };
  for (const candidate of candidates) {
    if (await speaksOfUnknown(file, candidate, seen, rule, ports)) continue;
    const step = await compare(file, candidate, known, whole, ports, deadline);
    if (step) return step;
  }
  if (file.control) return { kind: 'waiting' };
  const now = clock.now();
  return {
    kind: 'waiting',
    progress: { control: { ...known, waitingSince: now, overdueAt: now + rule.waitMinutes * 60_000 } },
  };
}

async function versionOf(
  { fileId, source, createdAt }: FileAccount,
  { sources }: SplitterPorts,
): Promise<ControlledFile> {
  const { bucket, key, sequencer } = source;
  const head = await sources.head(source);
  if (!head) throw new SourceChangedError(`s3://${bucket}/${key} is gone.`);
  const modifiedAt = head.modifiedAt ?? createdAt;
  return { fileId, key, modifiedAt, ...(sequencer === undefined ? {} : { sequencer }) };
}

/**
 * Whether a control file that comes after its file speaks of the key's newest version, whose event may still be on its
 * way, and not of this one.
 */
async function speaksOfUnknown(
  { source }: FileAccount,
  candidate: SeenControl,
  { files }: SeenControls,
  { comes }: ControlSettings,
  { sources }: SplitterPorts,
): Promise<boolean> {
  if (comes !== 'after' || source.versionId === undefined) return false;
  const newest = await sources.head({ bucket: source.bucket, key: source.key });
  if (newest?.modifiedAt === undefined || newest.versionId === source.versionId) return false;
  const isKnown = files.some(({ key, modifiedAt }) => key === source.key && modifiedAt === newest.modifiedAt);
  return !isKnown && newest.modifiedAt <= candidate.modifiedAt;
}

/** Undefined if the control file is gone. */
async function compare(
  file: ReadFile,
  { source, modifiedAt: at }: SeenControl,
  known: FileControl,
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<ControlStep | undefined> {
  const hadMs = deadline.remainingMs();
  const renewLease = leaseKeeper(file, ports);
  const goesOn = async (): Promise<boolean> => {
    await renewLease();
    return !deadline.isDrawingIn();
  };
  // How far it was counted belongs to that version.
  const isSame = known.source !== undefined && isSameVersion(known.source, source);
  const counted = isSame ? known.counted : undefined;
  const { sources, feed } = ports;
  const read = { ...pick(file), dialect: file.dialect };
  try {
    const found = await compareControl(
      known.kind,
      source,
      read,
      whole,
      { sources: controlSources(source, sources), encoding: feed.encoding, goesOn },
      counted,
    );
    const control: FileControl = { ...known, source, at };
    delete control.counted;
    if (found.kind === 'compared')
      return await decide(file, { ...control, sha256: found.sha256 }, found.differences, ports);
    if (found.counted) return { kind: 'out-of-time', progress: { control: { ...control, counted: found.counted } } };
    // An invocation that had all of its time for it will not finish the next time either.
    const { roomMs } = ports.gzip;
    if (hadMs < roomMs || hadMs - deadline.remainingMs() < roomMs / 2) return { kind: 'out-of-time' };
    const tooSlow = unreadableControl('Comparing the two takes longer than one invocation.');
    return await decide(file, control, tooSlow, ports, 'not_compared');
  } catch (error) {
    if (error instanceof ControlGoneError) return undefined;
    throw error;
  }
}

const pick = ({ source, content, limits, sha256 }: ReadFile) => ({
  ...{ source, limits, sha256 },
  ...(content ? { content } : {}),
});

async function decide(
  file: ReadFile,
  control: FileControl,
  differences: ControlDifferences | undefined,
  ports: SplitterPorts,
  state: ControlState = 'differs',
): Promise<ControlStep> {
  const { log, clock } = ports;
  const place = { correlation_id: file.fileId, control_key: control.source?.key };
  if (!differences) {
    log.info('file agrees with its control file', place);
    return { kind: 'go', progress: { control: { ...control, state: 'agrees' } } };
  }
  const { message, missing, extra, csv } = differences;
  const quarantine = numbered(file, differingControl(control.name, message, clock.now()));
  const sha256 = sha256Of(csv);
  const list = { key: archiveKeysOf({ ...file, quarantine }).controlDifferences(sha256), sha256 };
  if (!ports.lists) throw new ContradictionError(`No archive is configured for the differences of ${file.fileId}.`);
  // The list first: what the file's item names exists.
  await ports.lists.putOnce(list.key, csv, 'text/csv; charset=utf-8');
  log.warn('file differs from its control file', { ...place, missing, extra, reason: message });
  return {
    kind: 'go',
    progress: { quarantine, control: { ...control, state, missing, extra, differences: list } },
  };
}

function numbered(file: FileAccount, quarantine: Quarantine): Quarantine {
  if (isQuarantined(file)) throw new ContradictionError(`The file ${file.fileId} is stopped: it is not compared.`);
  return { ...quarantine, number: stopsOf(file).stop + 1 };
}

/** The control file that was to be compared does not exist any more. */
class ControlGoneError extends Error {
  override readonly name = 'ControlGoneError';
}

/** So that a control file that is gone is not taken for a file that is gone. */
function controlSources(
  control: CutFile['source'],
  sources: SplitterPorts['sources'],
): Pick<SplitterPorts['sources'], 'read'> {
  return {
    async *read(source, offset, signal) {
      try {
        yield* sources.read(source, offset, signal);
      } catch (error) {
        if (source !== control || !(error instanceof SourceChangedError)) throw error;
        throw new ControlGoneError('The control file is gone.', { cause: error });
      }
    },
  };
}
