import { createHash, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { manifest as manifestSchema } from '../../lambdas/core/account/manifest.ts';
import { MerkleRoot } from '../../lambdas/core/account/merkle.ts';
import { receipt as receiptSchema } from '../../lambdas/core/account/receipt.ts';
import { isFailed, noCounts, outcomes } from '../../lambdas/core/account/outcome.ts';
import type { Outcome } from '../../lambdas/core/account/outcome.ts';

/** Evidence of one file forged by a person who knows the format and makes everything fit. Objects by their names. */
export interface Forged {
  manifest: Manifest;
  objects: Map<string, Buffer>;
}

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

const folder = 'traffic/2026/01/05/file1';
const receivedAt = Date.parse('2026-01-05T06:00:00.000Z');

export interface ForgedRecord {
  text: string;
  outcome: Outcome;
  /** What precedes it in the source, and is not a record. */
  before: string;
  source?: { bucket: string; key: string } | undefined;
}

export interface ForgedFile {
  format: string | null;
  bodyOffset: number | null;
  records: ForgedRecord[];
  /** Behind the last record. */
  tail: string;
  /** How the source holds its content. */
  store?: (content: Buffer) => Buffer;
  /** Numbers of records that have no receipts. */
  held?: readonly number[];
  change?: Partial<Manifest>;
}

/** Evidence that holds. */
export function forge({
  format,
  bodyOffset,
  records,
  tail,
  store = (content) => content,
  held = [],
  change = {},
}: ForgedFile): Forged {
  const content = Buffer.from(records.map(({ before, text }) => before + text).join('') + tail);
  const lines: string[] = [];
  let offset = 0;
  for (const [n, { before, text, outcome, source }] of records.entries()) {
    offset += Buffer.byteLength(before);
    if (!held.includes(n + 1)) lines.push(JSON.stringify(receiptOf(n + 1, offset, { text, outcome, source })));
    offset += Buffer.byteLength(text);
  }
  const raw = store(content);
  const forged: Forged = {
    manifest: manifestSchema.parse({
      ...{
        manifest_version: 2,
        manifest_number: 1,
        tool: 'sluice',
        tool_version: '0.1.0',
        file_id: 'file1',
        feed: 'traffic',
      },
      ...{
        lane: 'traffic',
        state: 'completed',
        source: { bucket: 'in', key: 'traffic/log', version_id: 'v', etag: '"e"' },
      },
      archive: {
        ...{ bucket: 'archive', source_key: `${folder}/source/log`, manifest_key: `${folder}/manifest.json` },
        receipts_key: lines.length > 0 ? `${folder}/receipts.ndjson.gz` : null,
        report_key: 'named when it is sealed',
      },
      ...{ checksum: sha256(raw), bytes: raw.length, format, encoding: 'utf-8', compression: null },
      ...{
        content_bytes: content.length,
        body_offset: bodyOffset,
        reconciled: true,
        duplicate_of: null,
        failure: null,
      },
      bundled_files: format === 'bundle' ? records.length : null,
      held_ranges: rangesOf(held),
      ...countsOf(records.length, lines, held.length),
      ...{ warnings: [{ code: 'a', message: 'b' }], errors_truncated: false },
      ...change,
    }),
    objects: new Map([
      ['source/log', raw],
      ['report.html', Buffer.from('<p>report</p>')],
    ]),
  };
  if (lines.length > 0) forged.objects.set('receipts.ndjson.gz', gzipSync(`${lines.join('\n')}\n`));
  const dead = lines.filter((line) => /"outcome":"(rejected|refused|exhausted)"/.test(line));
  if (dead.length > 0) {
    forged.objects.set('dead-letters.ndjson.gz', gzipSync(`${dead.join('\n')}\n`));
    forged.manifest.archive.dead_letters_key = `${folder}/dead-letters.ndjson.gz`;
  }
  return seal(forged);
}

function receiptOf(record: number, offset: number, { text, outcome, source }: Omit<ForgedRecord, 'before'>): object {
  return {
    ...{ record, line: record, offset, length: Buffer.byteLength(text), sha256: sha256(text), outcome },
    ...{ request_id: `r${record}`, status: 201, attempts: 1, at: new Date(receivedAt + 1000 * record).toISOString() },
    ...(source ? { source_file: `s3://${source.bucket}/${source.key}` } : {}),
    ...(isFailed(outcome)
      ? { reason: `http_${400 + (record % 3)}`, error: 'no', field: null, raw_encoding: 'text', raw_payload: text }
      : {}),
  };
}

function rangesOf(held: readonly number[]): Manifest['held_ranges'] {
  const ranges: Manifest['held_ranges'] = [];
  for (const record of held) {
    const last = ranges.at(-1);
    if (last?.last_record === record - 1) last.last_record = record;
    else ranges.push({ first_record: record, last_record: record });
  }
  return ranges;
}

/** All that follows from the receipts. */
function countsOf(total: number, lines: readonly string[], held: number) {
  const receipts = lines.map((line) => receiptSchema.parse(JSON.parse(line)));
  const counts = noCounts();
  counts.held = held;
  for (const { outcome } of receipts) counts[outcome]++;
  const failed = receipts.filter(({ outcome }) => isFailed(outcome));
  const reasons = new Map<string, { outcome: string; reason: string; records: number }>();
  for (const { outcome, reason = '' } of failed) {
    const counted = reasons.get(outcome + reason) ?? { outcome, reason, records: 0 };
    counted.records++;
    reasons.set(outcome + reason, counted);
  }
  const uploads = receipts.filter(({ outcome }) => outcome === 'uploaded').map(({ at }) => at);
  const [first = null, last = first] = [uploads[0], uploads.at(-1)];
  const seconds = first === null || last === null ? 0 : (Date.parse(last) - Date.parse(first)) / 1000;
  return {
    ...{ total_records: total, valid_records: total - counts.rejected, resolved_records: 0, handled_records: 0 },
    ...Object.fromEntries(outcomes.map((outcome) => [`${outcome}_records`, counts[outcome]])),
    dead_lettered_records: failed.length,
    errors: failed.map(({ record, line, offset, outcome, field, reason, error, status, raw_payload: raw_value }) => ({
      ...{ record, line, offset, outcome, field, reason, error, status, raw_value },
    })),
    errors_by_reason: [...reasons.values()],
    times: {
      ...{ received: new Date(receivedAt).toISOString(), split: null, first_upload: first, last_upload: last },
      completed: new Date(receivedAt + 60_000).toISOString(),
      ...{ duration_seconds: 60, upload_seconds: seconds, delivered_records: counts.uploaded },
      records_per_second: seconds === 0 ? 0 : Math.round((counts.uploaded / seconds) * 100) / 100,
    },
  };
}

/** Names every object by its hash, and the receipts by their roots; so that a change is met by what looks at content. */
export function seal(forged: Forged): Forged {
  const { manifest, objects } = forged;
  const { archive } = manifest;
  for (const name of ['receipts', 'dead_letters', 'resolutions', 'report'] as const) {
    const found = [...objects.keys()].find((key) => key.startsWith(`${name.replace('_', '-')}.`));
    if (found === undefined || archive[`${name}_key`] === null) continue;
    const bytes = objects.get(found) as Buffer;
    const hash = sha256(bytes);
    archive[`${name}_sha256`] = hash;
    if (name !== 'report' && name !== 'resolutions') continue;
    const named = name === 'report' ? `report.${manifest.manifest_number}.${hash}.html` : `resolutions.${hash}.ndjson`;
    objects.delete(found);
    objects.set(named, bytes);
    archive[`${name}_key`] = `${folder}/${named}`;
  }
  const source = objects.get('source/log');
  if (source) Object.assign(manifest, { checksum: sha256(source), bytes: source.length });
  if (source && manifest.compression === null && manifest.decoded_from === null) manifest.content_bytes = source.length;
  manifest.proof = proofOf(objects.get('receipts.ndjson.gz'));
  return forged;
}

export function proofOf(receipts: Buffer | undefined): Manifest['proof'] {
  if (!receipts) return null;
  const [records, lines] = [new MerkleRoot(), new MerkleRoot()];
  try {
    const text = gunzipSync(receipts).toString('latin1');
    for (const line of text.split('\n').slice(0, -1)) {
      lines.add(Buffer.from(line, 'latin1'));
      records.add(Buffer.from((JSON.parse(line) as { sha256: string }).sha256, 'hex'));
    }
  } catch {
    // What can't be read is refused before roots are looked at.
  }
  return {
    leaves: lines.leaves,
    records_root: records.root().toString('hex'),
    receipts_root: lines.root().toString('hex'),
  };
}

/** With a signature over these bytes by that key, which may be of another kind than is allowed. */
export function signForged({ manifest, objects }: Forged, pem: string, privateKey: KeyObject): undefined {
  const der = Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64');
  manifest.signature = {
    ...{
      algorithm: 'ECDSA_SHA_256',
      key_arn: 'arn',
      public_key_sha256: sha256(der),
      public_key_pem_sha256: sha256(pem),
    },
    public_key_key: `${folder}/signing-key.${sha256(der)}.pem`,
    signature_key: `${folder}/manifest.json.sig`,
  };
  objects.set(`signing-key.${sha256(der)}.pem`, Buffer.from(pem));
  objects.set('manifest.json.sig', sign('sha256', Buffer.from(JSON.stringify(manifest)), privateKey));
}
