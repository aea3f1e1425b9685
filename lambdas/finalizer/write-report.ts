import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { FeedDeadline } from '../core/deadlines/feed-deadline.ts';
import type { RateLimit } from '../core/limiter/limiter.ts';
import type { Manifest } from '../core/account/manifest.ts';
import { renderReport } from '../core/report/render-report.ts';
import type { ReportFacts } from '../core/report/report-facts.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { Archive, AuditLog } from '../ports.ts';
import { mustHaveSha256 } from '../archived-sha256.ts';

export interface ReportedFeed {
  sink: 'http' | 'ledger';
  /** Absent if there is no limit. */
  limit?: RateLimit | undefined;
  deadline?: FeedDeadline | undefined;
}

const sinkNames = { http: 'the API', ledger: 'the record ledger' } as const;

interface ReportPorts {
  archive: Pick<Archive, 'putOnce' | 'getStream'>;
  reported: (feed: string) => ReportedFeed | undefined;
  log: AuditLog;
}

/**
 * Stores the report for a manifest that is about to be written, and returns what the manifest says about it. A fault in
 * rendering it is logged, and the file is closed nevertheless; a fault in storing it is the archive's, and everything is
 * retried.
 * @param manifest without its report
 */
export async function writeReport(
  manifest: Manifest,
  facts: ReportFacts,
  keys: ArchiveKeys,
  { archive, reported, log }: ReportPorts,
): Promise<Pick<Manifest['archive'], 'report_key' | 'report_sha256'>> {
  const { sink = 'http', limit, deadline } = reported(manifest.feed) ?? {};
  let page: string;
  try {
    page = renderReport({ manifest, facts, sink: sinkNames[sink], limit, deadline });
  } catch (error) {
    log.error('the report could not be drawn', { correlation_id: manifest.file_id, error });
    return { report_key: null, report_sha256: null };
  }
  const sha256 = sha256Of(page);
  const key = keys.report(manifest.manifest_number, sha256);
  const isStored = (await archive.putOnce(key, page, 'text/html; charset=utf-8')) === 'stored';
  if (!isStored) await mustHaveSha256(key, sha256, archive);
  return { report_key: key, report_sha256: sha256 };
}
