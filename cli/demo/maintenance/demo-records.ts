/** The expected outcome of a file's record. `conflict`: two files claim the same id, and the first to arrive has it. */
export type Fate = 'stored' | 'rejected' | 'conflict';

export interface DemoFile {
  /** Relative to the feed's prefix. */
  name: string;
  text: string;
  recordId: string;
  fate: Fate;
}

/** One of this many files is broken, with each kind of fault in turn. */
const brokenEvery = 100;

const faults: ((record: Record<string, unknown>) => string)[] = [
  (record) => JSON.stringify({ ...record, component_sn: ' ' }),
  (record) => JSON.stringify({ ...record, cert_status: 'unknown' }),
  (record) => JSON.stringify({ ...record, removal_date: '2026-02-30' }),
  (record) => JSON.stringify({ ...record, record_id: undefined }),
  (record) => JSON.stringify(record).slice(0, -20),
];

const forms = ['FAA Form 8130-3', 'EASA Form 1', 'EASA FORM ONE', '8130-3', 'OEM Service Bulletin', 'TCCA Form One'];

/** `count` files of one record each, some of them broken; the last one contradicts the first. */
export function demoFiles(count: number, run: string): DemoFile[] {
  const files: DemoFile[] = [];
  for (let n = 1; n < count; n++) {
    const isBroken = n % brokenEvery === 50;
    const fault = isBroken ? faults[Math.floor(n / brokenEvery) % faults.length] : undefined;
    const record = recordOf(`${run}-${n}`, n);
    const text = fault ? fault(record) : `${JSON.stringify(record, null, 2)}\n`;
    files.push({
      name: nameOf(n),
      text,
      recordId: `${run}-${n}`,
      fate: fault ? 'rejected' : n === 1 ? 'conflict' : 'stored',
    });
  }
  const contradiction = { ...recordOf(`${run}-1`, 1), cert_status: 'rebuilt' };
  files.push({ name: nameOf(count), text: JSON.stringify(contradiction), recordId: `${run}-1`, fate: 'conflict' });
  return files;
}

/** An aircraft is grounded until it arrives. */
export function urgentFile(run: string): DemoFile {
  const record = { ...recordOf(`${run}-AOG`, 0), priority: 'AOG' };
  return { name: 'aog.json', text: JSON.stringify(record), recordId: `${run}-AOG`, fate: 'stored' };
}

const nameOf = (n: number) => `record-${String(n).padStart(5, '0')}.json`;

/** A valid record. @param n varies its fields */
export function recordOf(id: string, n: number): Record<string, unknown> {
  return {
    record_id: id,
    component_sn: `SN-${100_000 + n}`,
    part_number: `3214-${n % 40}`,
    form_type: forms[n % forms.length],
    cert_status: ['serviceable', 'airworthy', 'rebuilt'][n % 3],
    removal_date: `2026-0${(n % 9) + 1}-1${n % 10}`,
    ocr_confidence: 0.8 + (n % 20) / 100,
    work: { performed: ['inspected', 'tested'], hours: (n % 8) + 0.5 },
  };
}
