import type { Manifest } from '../core/account/manifest.ts';
import type { LimitedDeskPorts } from './limited-desk.ts';
import { limitedDesk } from './limited-desk.ts';
import { notifyOfDuplicate } from './notify-of-duplicate.ts';
import { notifyOfQuarantine } from './notify-of-quarantine.ts';
import { isNoteworthyRevision, notifyOfRevision } from './notify-of-revision.ts';

/** Notifies the desk if a file has not simply been sent. @param amend the file was closed before */
export async function notifyOfEnd(manifest: Manifest, amend: boolean, ports: LimitedDeskPorts): Promise<void> {
  const { feed, state } = manifest;
  if (state === 'quarantined' && !amend) await notifyOfQuarantine(manifest, limitedDesk(feed, 'stopped', ports));
  if (state === 'duplicate') await notifyOfDuplicate(manifest, limitedDesk(feed, 'duplicate', ports));
  if (isNoteworthyRevision(manifest) && !amend) {
    await notifyOfRevision(manifest, limitedDesk(feed, 'revision', ports));
  }
}
