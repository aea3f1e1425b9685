import type { ArchiveKeys } from '../core/archive-keys.ts';
import type { FeedDeadline } from '../core/feed-deadline.ts';
import type { RateLimit } from '../core/limiter.ts';
import type { Manifest } from '../core/manifest.ts';
import { renderReport } from '../core/report/render-report.ts';
import type { ReportFacts } from '../core/report/report-facts.ts';
import type { Archive, AuditLog } from '../ports.ts';

export interface ReportedFeed {
  sink: 'http' | 'ledger';
  /** Absent where there is none to keep. */
  limit?: RateLimit | undefined;
  deadline?: FeedDeadline | undefined;
}

const sinkNames = { http: 'the API', ledger: 'the record ledger' } as const;

interface ReportPorts {
  archive: Pick<Archive, 'putOnce'>;
  reported: (feed: string) => ReportedFeed | undefined;
  log: AuditLog;
}

/**
 * Puts the page beside its manifest. It shows the account and is none: a fault in drawing it is told, and keeps no file
 * from being closed; one in storing it is the archive's, and is tried again with all the rest.
 */
export async function writeReport(
  manifest: Manifest,
  facts: ReportFacts,
  keys: ArchiveKeys,
  { archive, reported, log }: ReportPorts,
): Promise<void> {
  const { sink = 'http', limit, deadline } = reported(manifest.feed) ?? {};
  let page: string;
  try {
    page = renderReport({ manifest, facts, sink: sinkNames[sink], limit, deadline });
  } catch (error) {
    return log.error('the report could not be drawn', { correlation_id: manifest.file_id, error });
  }
  await archive.putOnce(keys.report(manifest.manifest_number), page, 'text/html; charset=utf-8');
}
