import type { FileAccount } from '../core/account/file-account.ts';
import type { Manifest } from '../core/account/manifest.ts';
import { noticeOf } from '../core/notices/file-notice.ts';
import type { KeepNoticePorts } from '../notices/keep-notice.ts';
import { keepNotice } from '../notices/keep-notice.ts';

/**
 * Has the desk notified if a file has not simply been sent: the one place at which every file ends, however it ended.
 * @param amend the file was closed before
 */
export async function notifyOfEnd(
  manifest: Manifest,
  file: FileAccount,
  amend: boolean,
  ports: KeepNoticePorts,
): Promise<void> {
  const notice = amend ? undefined : noticeOf(manifest, file);
  if (notice) await keepNotice(notice, ports);
}
