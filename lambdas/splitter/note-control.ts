import { controlledName } from '../../feeds/control-rule.ts';
import type { FileAccount, SourceObject } from '../core/account/file-account.ts';
import type { SeenControl } from '../core/control/spoken-of.ts';
import { isSameVersion, spokenOf } from '../core/control/spoken-of.ts';
import { continueMessageOf } from '../intake-message.ts';
import { nameIn } from './name-in-lane.ts';
import type { SplitterPorts } from './splitter-ports.ts';

/**
 * Notes a control file that was dropped, and has its file continue if that waits for it. False if the object is not one:
 * then it is a file of the feed. Repeatable.
 */
export async function noteControl(source: SourceObject, ports: SplitterPorts): Promise<boolean> {
  const { control: rule, ledger, feed, log } = ports;
  const fileName = rule && controlledName(rule, nameIn(rule, source.key));
  if (!rule || fileName === undefined) return false;
  const head = await ports.sources.head(source);
  if (!head) {
    log.warn('control file is gone', { feed: feed.name, key: source.key });
    return true;
  }
  const { etag, sizeBytes, versionId, modifiedAt = ports.clock.now() } = head;
  const pinned = { ...source, etag, sizeBytes, ...(versionId === undefined ? {} : { versionId }) };
  const { key, sequencer } = source;
  const seen: SeenControl = { source: pinned, key, modifiedAt, ...(sequencer === undefined ? {} : { sequencer }) };
  const { files } = await ledger.enterControl(feed.name, fileName, seen);
  const place = spokenOf(seen, files, rule.comes);
  log.info('control file noted', { feed: feed.name, key, correlation_id: place?.fileId });
  const file = place && (await ledger.getFile(place.fileId));
  if (!file) return true;
  await reportIfLate(file, seen, fileName, ports);
  // Another lane's splitter checks its own files every 30 seconds.
  if (file.lane === rule.lane && (await ledger.wakeFile(file.fileId))) {
    await ports.intake.send(continueMessageOf(file), 0);
  }
  return true;
}

/** A control file that its file is not compared with, because it came too late, is reported. Repeatable. */
export async function reportIfLate(
  { control, fileId }: FileAccount,
  { source, modifiedAt }: SeenControl,
  fileName: string,
  { ledger, feed, log }: Pick<SplitterPorts, 'ledger' | 'feed' | 'log'>,
): Promise<void> {
  if (!control || control.state === 'waiting') return;
  // The newest of several that came in time was compared.
  const isOlder = modifiedAt < (control.at ?? -Infinity);
  if (isOlder || (control.source && isSameVersion(control.source, source))) return;
  const isChange = control.source !== undefined;
  const late = { fileId, fileName, name: control.name, control: source, at: modifiedAt, isChange };
  await ledger.keepLateControl(feed.name, late);
  log.warn('control file came too late', { correlation_id: fileId, key: source.key, is_change: isChange });
}
