import * as z from 'zod';
import { decimal } from './decimal.ts';
import { defineFeed, isNoValue } from './feed.ts';
import { canonicalFormType, maxFormTypeCharacters } from './maintenance/form-type.ts';
import { isIsoDate } from './maintenance/iso-date.ts';
import { numberOf } from './maintenance/number-of.ts';

/**
 * The source of each rule, quoted with it. Part-145 and Part-M are Annexes II and I to Regulation (EU) No 1321/2014; the
 * completion instructions of the two forms (FAA Order 8130.21, Part-M Appendix II) number their blocks alike.
 */
const rules = {
  component: '14 CFR 43.9(a), EASA 145.A.55(a)(1); block 10 by FAA Order 8130.21 and by Part-M Appendix II',
  form: 'EASA 145.A.50(d), FAA Order 8130.21',
  status: '14 CFR 43.9(a)(4), EASA 145.A.50; rebuilt: 14 CFR 43.2(b)',
  date: '14 CFR 43.9(a)(2), EASA 145.A.55(a)(1)',
};

const statuses = ['airworthy', 'serviceable', 'rebuilt'] as const;

/** Text that is present and not blank, kept as written. */
const filled = (rule?: string) => {
  const cited = rule === undefined ? '' : ` (${rule})`;
  return z
    .string({
      error: ({ input }) => (input === undefined || input === null ? `is missing${cited}` : `must be a string${cited}`),
    })
    .refine((value) => value.trim() !== '', { error: `is blank${cited}`, params: { reason: 'blank' }, abort: true })
    .refine((value) => !isNoValue(value), {
      error: `is a database's mark for a value that is missing${cited}`,
      params: { reason: 'missing' },
      abort: true,
    });
};

/** A serial number is text, but some scanners write one that is all digits as a number. */
const serialNumber = z.unknown().superRefine((value, context) => {
  const [issue] = numberOf(value) === undefined ? (filled(rules.component).safeParse(value).error?.issues ?? []) : [];
  if (!issue) return;
  const isMissing = value === undefined || isNoValue(value);
  const reason = isMissing ? 'missing' : typeof value === 'string' ? 'blank' : 'wrong_type';
  context.addIssue({ code: 'custom', message: issue.message, params: { reason } });
});

const options = z.object({
  /** Records read with less confidence need a person's check. */
  minimumOcrConfidence: decimal('a number, 0 or more').pipe(z.number().min(0, 'a number, 0 or more')).optional(),
  /** What happens to records with an unknown form type. */
  unknownFormTypes: z.enum(['pass', 'reject'], 'pass or reject').default('pass'),
});

function schemaOf({ minimumOcrConfidence: minimum, unknownFormTypes }: z.output<typeof options>) {
  const formType = filled(rules.form)
    .refine((value) => value.length <= maxFormTypeCharacters, {
      error: `is longer than ${maxFormTypeCharacters} characters, so it can't be the name of a form (${rules.form})`,
      params: { reason: 'unknown_form' },
      abort: true,
    })
    .refine((value) => unknownFormTypes === 'pass' || canonicalFormType(value) !== undefined, {
      error: `is not a form that this feed supports (${rules.form})`,
      params: { reason: 'unknown_form' },
    });
  const confidence = z
    .unknown()
    .optional()
    .refine((value) => minimum === undefined || value == null || (numberOf(value) ?? -1) >= minimum, {
      error: `is not a number of ${minimum} or more, so a person must review the record`,
      params: { reason: 'review' },
    });
  return z
    .looseObject({
      record_id: filled(),
      component_sn: serialNumber,
      form_type: formType,
      cert_status: filled(rules.status).pipe(
        z.enum(statuses, { error: `must be one of ${statuses.join(', ')} (${rules.status})` }),
      ),
      removal_date: filled(rules.date).refine(isIsoDate, {
        error: `must be an existing ISO 8601 date (${rules.date})`,
        params: { reason: 'not_a_date' },
      }),
      ocr_confidence: confidence,
    })
    .transform((record) => {
      const canonical = canonicalFormType(record.form_type);
      return canonical === undefined ? record : { ...record, form_type_canonical: canonical };
    });
}

const correlationId = (row: Record<string, unknown> | undefined): string => {
  const id = row?.['record_id'];
  return typeof id === 'string' && id.trim() !== '' ? id : 'unknown';
};

/** Aviation maintenance records: FAA 8130-3, EASA Form 1 and OEM bulletins, read by OCR into JSON. */
export const maintenance = defineFeed({
  name: 'maintenance',
  formats: ['json-document', 'jsonl'],
  encoding: 'utf-8',
  options,
  schema: schemaOf,
  identity: (payload) => [payload.record_id],
  sink: { kind: 'ledger', path: '/ingest' },
  // A new on-demand table takes 4,000 write units per second, one per KiB: enough for records of 3 KiB with a reserve.
  // With 40 concurrent calls the rate holds even if the table is slow for a moment.
  limits: { requests: 10_000, windowSeconds: 10, connections: 40 },
  maxRecordBytes: 64 * 1024,
  smallFiles: true,
  toleratedRejects: { share: 0.2, afterRecords: 1000 },
  // EASA 145.A.55(a)(3), before Regulation (EU) 2021/1963 145.A.55(c): three years from the release to service. It is the
  // longest: 14 CFR 145.219(c) requires two, 14 CFR 91.417(b)(1) one. One day for leap years.
  archiveRetentionDays: 3 * 365 + 1,
  logRetentionDays: 3 * 365 + 1,
  exactNumbers: true,
  auditEachRecord: true,
  correlationId,
  describe: (row) => {
    const confidence = numberOf(row?.['ocr_confidence']);
    return `record_id ${correlationId(row).slice(0, 100)}, ocr_confidence ${confidence ?? 'unknown'}`;
  },
  warningsOf: (record) =>
    canonicalFormType(record.form_type) === undefined ? ['form_type is not one that this feed supports'] : [],
});
