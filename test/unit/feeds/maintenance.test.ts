import { describe, expect, it } from 'vitest';
import { feedNamed } from '../../../feeds/index.ts';
import { canonicalFormType } from '../../../feeds/maintenance/form-type.ts';
import { isIsoDate } from '../../../feeds/maintenance/iso-date.ts';
import type { PreparedRecord } from '../../../lambdas/core/records/prepare-record.ts';
import { prepareRecord } from '../../../lambdas/core/records/prepare-record.ts';
import type { Dialect } from '../../../lambdas/core/records/dialect.ts';

const record = {
  record_id: 'MR-2026-000017',
  component_sn: 'SN-88/Ω',
  form_type: 'FAA Form 8130-3',
  cert_status: 'serviceable',
  removal_date: '2026-01-05',
  ocr_confidence: 0.87,
};
const dialect: Dialect = { format: 'jsonl', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 };

function prepareText(text: string, options: Record<string, string> = {}): PreparedRecord {
  const cut = { record: 1, line: 1, offset: 0, bytes: Buffer.from(text), problem: null };
  return prepareRecord(cut, feedNamed('maintenance', options), dialect, ['f'.repeat(64)]);
}
const prepare = (change: Record<string, unknown> = {}, options: Record<string, string> = {}) =>
  prepareText(JSON.stringify({ ...record, ...change }), options);

const payloadOf = ({ result }: PreparedRecord) => (result.kind === 'good' ? result.payload : result.problem);
const problemOf = ({ result }: PreparedRecord) => {
  if (result.kind === 'good') throw new Error('The record is good.');
  return result.problem;
};

describe('a maintenance record', () => {
  it('is sent with the form’s canonical name beside the original, identified by its id', () => {
    const prepared = prepare();
    expect(prepared).toMatchObject({ correlationId: 'MR-2026-000017', result: { identity: ['MR-2026-000017'] } });
    expect(prepared).not.toHaveProperty('warnings');
    expect(payloadOf(prepared)).toEqual({ ...record, form_type_canonical: 'FAA 8130-3' });
  });

  it('keeps other fields as they are: nested, in any script, numbers of any length', () => {
    const others =
      '"parts":[{"sn":"日本","qty":2.50}],"weight_kg":12345678901234567890.000000000001,"hash":1e400,"note":null,"__proto__":{"a":1}';
    const prepared = prepareText(`${JSON.stringify(record).slice(0, -1)},${others}}`);
    const text = JSON.stringify(payloadOf(prepared));
    expect(text).toContain('"parts":[{"sn":"日本","qty":2.5}]');
    expect(text).toContain('"weight_kg":12345678901234567890.000000000001');
    expect(text).toContain('"hash":1e400');
    expect(text).toContain('"note":null');
  });

  it.each(['record_id', 'component_sn', 'form_type', 'cert_status', 'removal_date'])('needs %s', (field) => {
    for (const value of [undefined, null, '', '  ', [], {}, true]) {
      const problem = problemOf(prepare({ [field]: value }));
      expect(problem.field, JSON.stringify(value)).toBe(field);
      expect(problem.reason).toBe(
        value === undefined ? 'missing' : typeof value === 'string' ? 'blank' : problem.reason,
      );
      expect(problem.message).toMatch(/ocr_confidence 0.87\]$/);
    }
  });

  it.each(['record_id', 'component_sn', 'form_type'])('accepts no placeholder for a missing value for %s', (field) => {
    for (const value of ['NULL', '\\N']) {
      expect(problemOf(prepare({ [field]: value }))).toMatchObject({ field, reason: 'missing' });
    }
  });

  it('is rejected with everything that a person must fix, and the rule that requires it', () => {
    const { message } = problemOf(prepare({ cert_status: 'scrapped' }));
    expect(message).toBe(
      'cert_status must be one of airworthy, serviceable, rebuilt (14 CFR 43.9(a)(4), EASA 145.A.50; rebuilt: 14 CFR ' +
        '43.2(b)) [record_id MR-2026-000017, ocr_confidence 0.87]',
    );
  });

  it.each([
    ['without an id', JSON.stringify({ ...record, record_id: undefined })],
    ['with a blank id', JSON.stringify({ ...record, record_id: ' ' })],
    ['that is no JSON', '{"record_id": '],
    ['that is no object', '["MR-1"]'],
    ['that is a long number', '123456789012345678901234567890'],
  ])('%s is rejected as unknown', (_, text) => {
    const prepared = prepareText(text);
    expect(prepared).toMatchObject({ correlationId: 'unknown', result: { kind: 'rejected' } });
    expect(problemOf(prepared).message).toContain('[record_id unknown, ocr_confidence');
  });

  it('accepts a serial number that was written as a number, unchanged', () => {
    const text = JSON.stringify(record).replace('"SN-88/Ω"', '900719925474099312345');
    expect(JSON.stringify(payloadOf(prepareText(text)))).toContain('"component_sn":900719925474099312345');
  });
});

describe('an unknown form', () => {
  const change = { form_type: 'TCCA Form One' };

  it('passes with a warning', () => {
    const prepared = prepare(change);
    expect(payloadOf(prepared)).toEqual({ ...record, ...change });
    expect(prepared.warnings).toEqual(['form_type is not one that this feed supports']);
  });

  it('is rejected if the deployment requires known forms', () => {
    const problem = problemOf(prepare(change, { unknownFormTypes: 'reject' }));
    expect(problem).toMatchObject({ field: 'form_type', reason: 'unknown_form' });
    expect(prepare({}, { unknownFormTypes: 'reject' }).result.kind).toBe('good');
  });

  it('is rejected if it is too long to be one: 63 KiB took seconds to be matched', () => {
    const problem = problemOf(prepare({ form_type: 'easa '.repeat(12_900) }));
    expect(problem).toMatchObject({ field: 'form_type', reason: 'unknown_form' });
    expect(problem.message).toContain('is longer than 200 characters');
  });
});

describe('the confidence of the OCR', () => {
  it('is not a reason to reject by default', () => {
    for (const value of [0, 0.01, '0.5', undefined, null, 'low']) {
      expect(prepare({ ocr_confidence: value }).result.kind).toBe('good');
    }
  });

  it('below the limit of the deployment needs a person’s review', () => {
    const minimum = { minimumOcrConfidence: '0.8' };
    for (const value of [0.79, 0, -1, '0.9', {}]) {
      expect(problemOf(prepare({ ocr_confidence: value }, minimum)), JSON.stringify(value)).toMatchObject({
        field: 'ocr_confidence',
        reason: 'review',
      });
    }
    for (const value of [0.8, 0.87, 1, undefined, null]) {
      expect(prepare({ ocr_confidence: value }, minimum).result.kind).toBe('good');
    }
    const precise = JSON.stringify(record).replace('0.87', '0.79999999999999999999999');
    expect(problemOf(prepareText(precise, { minimumOcrConfidence: '0.9' })).reason).toBe('review');
  });
});

describe('a form’s type', () => {
  it.each([
    [
      'FAA 8130-3',
      [
        'FAA 8130-3',
        'faa form 8130–3',
        'Form 8130-3',
        '8130-3',
        'FAA Form 8130-3, Airworthiness Approval Tag',
        'FAA_8130_3',
        'FAA81303'.replace('FAA', 'FAA '),
      ],
    ],
    [
      'EASA Form 1',
      [
        'EASA Form 1',
        'EASA FORM ONE',
        'easa form-1',
        'EASA_Form_1',
        'EASA F1',
        'Form 1 (EASA)',
        'EASA Authorised Release Certificate Form 1',
      ],
    ],
    [
      'OEM service bulletin',
      [
        'OEM service bulletin',
        'Service Bulletin',
        'OEM SB',
        'SB',
        'SB 72-0045',
        'OEM_SERVICE_BULLETIN',
        'Alert Service Bulletin',
        'ASB',
      ],
    ],
    [
      undefined,
      [
        'TCCA Form One',
        'Form 1',
        'EASA Form 10',
        'EASA Form 145',
        '8130-31',
        'usb',
        'FAA 8130-3 / EASA Form 1',
        'other',
      ],
    ],
  ])('%s is recognised by its usual spellings', (canonical, spellings) => {
    for (const spelling of spellings) expect(canonicalFormType(spelling), spelling).toBe(canonical);
  });
});

describe('a removal date', () => {
  it.each([
    '2026-01-05',
    '20260105',
    '2024-02-29',
    '0001-01-01',
    '2026-01-05T06',
    '2026-01-05T06:00',
    '2026-01-05T06:00:00Z',
    '2026-01-05T06:00:00.123456+05:30',
    '20260105T060000Z',
    '2026-12-31T23:59:59-0800',
  ])('%s is valid', (text) => {
    expect(isIsoDate(text)).toBe(true);
  });

  it.each([
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '2026-04-31',
    '05.01.2026',
    '01/05/2026',
    '2026-1-5',
    '26-01-05',
    '2026-01-05T',
    '2026-01-05T24:00',
    '2026-01-05T06:60',
    '2026-01-05 06:00',
    '2026-01-05T06:00T06:00',
    '2026-01-05T06:00+25:00',
    ' 2026-01-05',
    '2026-0105',
    'yesterday',
  ])('%s is invalid', (text) => {
    expect(isIsoDate(text)).toBe(false);
  });
});
