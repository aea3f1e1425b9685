import { feedNamed } from '../../feeds/index.ts';
import type { DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import { earlierUnknown } from '../../lambdas/core/answers/refusal.ts';
import { memberSourceOf } from '../../lambdas/core/account/source-uri.ts';
import type { OpenDead } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { shownCell, sourceRowOf } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { suffixOf } from '../../lambdas/core/records/identity.ts';
import { mapRow, prepareRecord } from '../../lambdas/core/records/prepare-record.ts';
import type { DeadDescription } from '../dlq/describe-dead.ts';
import { describeDead } from '../dlq/describe-dead.ts';
import { knownColumns } from '../reingest/compare-row.ts';

/** Everything that is known about one record, for its page. */
export interface RecordPage {
  record: DeadDescription;
  /** `ended`: it never was a dead letter. */
  kind: 'dead' | 'resolved' | 'ended';
  /** As it is in the file; null if its receipt does not have it. */
  raw: { text: string; note: string } | null;
  /** The request's body; null if nothing was sent, or if the record is not known. */
  sent: { body: string; note: string } | null;
  /** The body of the newest correction. */
  correction_sent: string | null;
  /** Its fields, to be corrected; null if it is no dead letter. */
  fields: { name: string; value: string; is_at_fault: boolean }[] | null;
  /** Its row could not be read: the fields are empty. */
  is_unreadable: boolean;
  /** Refused because the API may have an earlier version of it: a person may say that it has none. */
  may_be_new: boolean;
}

/** @param receipt with the whole record if that is available */
export function describeRecordPage(
  file: FileAccount,
  record: number,
  receipt: Receipt | undefined,
  dead: DeadRecord | undefined,
): RecordPage {
  const described = describeDead(file, record, receipt, dead);
  const isFailed = dead !== undefined || isFailure(receipt);
  const kind = dead?.state === 'resolved' ? 'resolved' : isFailed ? 'dead' : 'ended';
  const open = kind === 'dead' && receipt ? { file, receipt, dead } : undefined;
  return {
    record: described,
    kind,
    raw: rawOf(receipt),
    sent: receipt === undefined ? null : sentOf(file, receipt),
    correction_sent: dead?.correction === undefined ? null : bodyOf(mapRow(dead.correction.row, feedNamed(file.feed))),
    fields: open ? fieldsOf(open, described.field) : null,
    is_unreadable: open !== undefined && sourceRowOf(open.receipt, file.dialect) === undefined,
    may_be_new:
      open !== undefined && [receipt, ...(dead?.history ?? [])].some((each) => each?.reason === earlierUnknown.reason),
  };
}

export const isFailure = (receipt: Pick<Receipt, 'outcome'> | undefined): boolean =>
  receipt !== undefined && ['rejected', 'refused', 'exhausted'].includes(receipt.outcome);

function bytesOf({ raw_encoding: encoding, raw_payload: payload }: Receipt): Buffer | undefined {
  if (payload === undefined || encoding === undefined) return undefined;
  return Buffer.from(payload, encoding === 'text' ? 'utf8' : 'base64');
}

function rawOf(receipt: Receipt | undefined): RecordPage['raw'] {
  const bytes = receipt && bytesOf(receipt);
  if (!bytes) return null;
  const notes = {
    text: '',
    base64: 'It is not UTF-8: characters that cannot be shown are replaced.',
    head: 'Only its beginning: it is too long for its receipt.',
  };
  return { text: bytes.toString('utf8'), note: notes[receipt?.raw_encoding ?? 'text'] };
}

/** What the consumer makes of the record: it is the same each time. */
function sentOf(file: FileAccount, receipt: Receipt): RecordPage['sent'] {
  const bytes = bytesOf(receipt);
  if (receipt.attempts === 0 || !bytes || !file.dialect || receipt.raw_encoding === 'head') return null;
  const { record, line, offset } = receipt;
  const source = memberSourceOf(receipt);
  const cut = { record, line, offset, bytes, problem: null, ...(source ? { source } : {}) };
  const { result } = prepareRecord(
    cut,
    feedNamed(file.feed),
    file.dialect,
    suffixOf({ ...file, sha256: file.sha256 ?? '' }),
  );
  if (result.kind === 'rejected')
    return { body: '', note: 'With the rules of this version the record is not valid: they have changed since.' };
  const isSame = result.requestId === receipt.request_id;
  const note = isSame
    ? ''
    : 'As this version maps it; the request had another id, so another version may have sent it.';
  return { body: JSON.stringify(result.payload, null, 2), note };
}

const bodyOf = (mapped: ReturnType<typeof mapRow>): string | null =>
  mapped.kind === 'mapped' ? JSON.stringify(mapped.payload, null, 2) : null;

function fieldsOf(open: OpenDead, fieldAtFault: string | null): RecordPage['fields'] {
  const source = sourceRowOf(open.receipt, open.file.dialect);
  const names = [...(source?.cells.keys() ?? []), ...knownColumns([open], feedNamed(open.file.feed))];
  return [...new Set(names)]
    .filter((name) => name !== '')
    .map((name) => ({ name, value: shownCell(source?.cells.get(name) ?? ''), is_at_fault: name === fieldAtFault }));
}
