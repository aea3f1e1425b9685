import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { manifest as manifestSchema } from '../../lambdas/core/account/manifest.ts';
import type { ReportOptions } from '../../lambdas/core/report/render-report.ts';
import { ReportFacts } from '../../lambdas/core/report/report-facts.ts';
import { isFailed } from '../../lambdas/core/account/outcome.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';

const begunAt = Date.parse('2026-11-23T02:00:00.000Z');

/** An account of a night's file that adds up; `change` makes it another. */
export function manifestOf(change: Partial<Manifest> = {}): Manifest {
  const folder = 'traffic/2026/11/23/0123456789abcdef01234567';
  return manifestSchema.parse({
    ...{ manifest_version: 1, manifest_number: 1, tool: 'sluice', tool_version: '0.1.0' },
    ...{ file_id: '0123456789abcdef01234567', feed: 'traffic', lane: 'traffic', state: 'completed' },
    source: { bucket: 'intake', key: 'traffic/avion-2026-11-23.csv', version_id: 'v1', etag: '"e"' },
    archive: {
      bucket: 'archive',
      source_key: `${folder}/source/avion-2026-11-23.csv`,
      receipts_key: `${folder}/receipts.ndjson.gz`,
      dead_letters_key: `${folder}/dead-letters.ndjson.gz`,
      manifest_key: `${folder}/manifest.json`,
    },
    ...{ checksum: 'a'.repeat(64), bytes: 12_345_678, format: 'csv' },
    ...{ total_records: 1_000, valid_records: 992, uploaded_records: 980, duplicate_records: 8 },
    ...{ rejected_records: 8, refused_records: 3, exhausted_records: 1, held_records: 0 },
    ...{ dead_lettered_records: 12, resolved_records: 0, handled_records: 0, reconciled: true },
    proof: { leaves: 1_000, records_root: 'b'.repeat(64), receipts_root: 'c'.repeat(64) },
    ...{ duplicate_of: null, failure: null, warnings: [], errors: [], errors_truncated: false },
    times: {
      received: '2026-11-23T01:59:30.000Z',
      split: '2026-11-23T02:00:10.000Z',
      first_upload: '2026-11-23T02:00:00.000Z',
      last_upload: '2026-11-23T02:01:40.000Z',
      completed: '2026-11-23T02:01:45.000Z',
      duration_seconds: 135,
      upload_seconds: 100,
      records_per_second: 9.8,
    },
    ...change,
  });
}

export function receiptFor(record: number, change: Partial<Receipt> = {}): Receipt {
  return {
    ...{ record, line: record + 1, offset: record * 100, length: 99, sha256: 'd'.repeat(64), outcome: 'uploaded' },
    ...{ request_id: `r-${record}`, status: 201, attempts: 1, at: new Date(begunAt + record * 100).toISOString() },
    ...change,
  };
}

/** As many receipts as the account counts, twelve of them dead letters. */
export function factsOf(change: (record: number) => Partial<Receipt> = () => ({})): ReportFacts {
  const facts = new ReportFacts();
  for (let record = 1; record <= 1_000; record++) {
    const receipt = receiptFor(record, { ...failureOf(record), ...change(record) });
    if (receipt.outcome === 'uploaded') facts.timeline.add(Date.parse(receipt.at), receipt.attempts > 1);
    if (isFailed(receipt.outcome)) facts.addFailed(receipt, undefined);
  }
  return facts;
}

function failureOf(record: number): Partial<Receipt> {
  if (record % 83 !== 0) return record === 500 ? { attempts: 3 } : {};
  const raw = { raw_encoding: 'text' as const, raw_payload: `SP-${record},WABC,2026-01-05 06:00:00,30` };
  const nth = record / 83;
  if (nth <= 8) {
    const error = 'Duration is 30s; it must be seconds, 1 to 3600';
    return { outcome: 'rejected', reason: 'invalid_value', field: 'Duration', error, status: null, ...raw };
  }
  const status = nth <= 11 ? 422 : 503;
  const [outcome, reason] = nth <= 11 ? (['refused', 'http_422'] as const) : (['exhausted', 'http_503'] as const);
  return { outcome, reason, field: null, error: `the API answered ${status}`, status, ...raw };
}

export function reportOf(change: Partial<ReportOptions> = {}): ReportOptions {
  return {
    manifest: manifestOf(),
    facts: factsOf(),
    sink: 'the API',
    limit: { requests: 600, windowSeconds: 60 },
    deadline: { hour: 5, minute: 0, timeZone: 'America/New_York' },
    ...change,
  };
}
