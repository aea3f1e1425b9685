import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { zipArchive } from '../../../support/zip-archive.ts';
import type { RecordProof } from '../../../../cli/verify/record-proof.ts';
import { proveRecord } from '../../../../cli/verify/record-proof.ts';
import { verifyHere } from '../../../support/evidence.ts';
import type { Receipt } from '../../../../lambdas/core/account/receipt.ts';
import type { Manifest } from '../../../../lambdas/core/account/manifest.ts';
import type { Forged, ForgedRecord } from '../../../support/forged-evidence.ts';
import { forge, seal, sha256, signForged } from '../../../support/forged-evidence.ts';
import { Dice, mutateGzip, mutateLines, mutateText, mutateValue, unpacked } from '../../../support/mutations.ts';
import type { Answer } from '../../../support/python-verifier.ts';
import { startPythonVerifier } from '../../../support/python-verifier.ts';

/** Another seed finds other cases: SLUICE_DIFFERENTIAL_SEED; more of them: SLUICE_DIFFERENTIAL_CASES. */
const seed = Number(process.env['SLUICE_DIFFERENTIAL_SEED'] ?? '1');
const cases = Number(process.env['SLUICE_DIFFERENTIAL_CASES'] ?? '2000');

const root = mkdtempSync(join(tmpdir(), 'sluice-differential-'));
const python = startPythonVerifier();
afterAll(() => {
  python?.stop();
  rmSync(root, { recursive: true, force: true });
});

const keys = {
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  k256: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
};
const pemOf = (name: keyof typeof keys): string =>
  keys[name].publicKey.export({ type: 'spki', format: 'pem' }).toString();

const outcomesInTurn = ['uploaded', 'rejected', 'duplicate', 'refused', 'unchanged', 'exhausted', 'uploaded'] as const;
const recordsOf = (texts: string[], between: string, first = between): ForgedRecord[] =>
  texts.map((text, n) => ({ text, outcome: outcomesInTurn[n % 7] ?? 'uploaded', before: n === 0 ? first : between }));
const seven = Array.from({ length: 7 }, (_, n) => n + 1);
const csvRows = seven.map((n) => `SP-${n},"a ""b"", ${n}",${n}`);
const csvHead = '\ufeffid,"na\nme",n\r\n';
const jsonRows = seven.map((n) => JSON.stringify({ id: n, name: 'ü' }));
const members = recordsOf(jsonRows, '').map((record, n) => {
  const source = { bucket: 'in', key: `traffic/${n}.json` };
  const line = JSON.stringify({ ...source, etag: '"e"', bytes: Buffer.byteLength(record.text) });
  return { ...record, source, before: `${n === 0 ? '' : '\n'}${line}\n` };
});
const array = { format: 'json-array', bodyOffset: 1, records: recordsOf(jsonRows, ',\n ', '[\n '), tail: '\n]\n' };
const csv = {
  format: 'csv',
  bodyOffset: Buffer.byteLength(csvHead),
  records: recordsOf(csvRows, '\r\n', csvHead),
  tail: '\r\n',
};
const wrapping = '{"made":1.0,"of":[1],"Records":[';
const wrapped = {
  ...array,
  bodyOffset: wrapping.length,
  records: recordsOf(jsonRows, ',\n[', wrapping),
  tail: '\n],"count":7}\n',
};
const untidyHead = 'SEP=;\r\n;;\r\n"id";"n"\r\n';
const untidy = {
  format: 'csv',
  bodyOffset: untidyHead.length,
  records: recordsOf(csvRows, '\r\r\n\ufeffid;n\n;"";\n\x1a\n"id" ; n\n', untidyHead),
  tail: '\r\n\x1a',
};
const title = 'Log of\r\n"WABC\r\n\r\n';
const titled = {
  ...csv,
  bodyOffset: csv.bodyOffset + title.length,
  records: recordsOf(csvRows, '\r\n', title + csvHead),
};
const lines = { format: 'jsonl', bodyOffset: 0, records: recordsOf(jsonRows, '\n', ''), tail: '\n' };
const zipped = (content: Buffer): Buffer =>
  zipArchive([
    { name: 'out\\log.jsonl', content },
    { name: '__MACOSX/._log.jsonl', content },
  ]);
const asUtf16 = (content: Buffer): Buffer => Buffer.from(content.toString('utf8'), 'utf16le');
const failure = { code: 'x', message: 'y' };

/** Evidence of every kind, all of which holds. */
const kinds: Record<string, () => Forged> = {
  csv: () => forge(csv),
  'csv in a gzip': () => forge({ ...csv, store: (content) => gzipSync(content), change: { compression: 'gzip' } }),
  'csv in a gzip with a line break behind it': () =>
    forge({
      ...csv,
      store: (content) => Buffer.concat([gzipSync(content), Buffer.from('\r\n')]),
      change: { compression: 'gzip' },
    }),
  'lines in a ZIP archive': () =>
    forge({ ...lines, store: zipped, change: { compression: 'zip', zip_member: 'out/log.jsonl' } }),
  'csv in UTF-16': () => forge({ ...csv, store: asUtf16, change: { decoded_from: 'utf-16le' } }),
  'csv in UTF-16 in a gzip': () =>
    forge({
      ...csv,
      store: (content) => gzipSync(asUtf16(content)),
      change: { compression: 'gzip', decoded_from: 'utf-16le' },
    }),
  'csv with a preamble': () => forge({ ...titled, change: { preamble_bytes: title.length } }),
  'csv with another header, held from there on': () =>
    forge({ ...csv, held: [5, 6, 7], change: { state: 'quarantined', failure } }),
  'json lines': () => forge(lines),
  array: () => forge(array),
  'array in an object': () => forge(wrapped),
  'csv with all that may stand between rows': () => forge(untidy),
  document: () =>
    forge({ format: 'json-document', bodyOffset: 0, records: recordsOf(jsonRows.slice(0, 1), ''), tail: '' }),
  bundle: () => forge({ format: 'bundle', bodyOffset: 0, records: members, tail: '\n' }),
  quarantined: () => forge({ ...lines, held: [2, 3, 7], change: { state: 'quarantined', failure } }),
  superseded: () => forge({ ...lines, tail: '\n{"more"', change: { state: 'superseded', failure } }),
  empty: () => forge({ format: null, bodyOffset: null, records: [], tail: '\n' }),
  duplicate: () => forge({ ...lines, records: [], tail: '{}', change: { state: 'duplicate', duplicate_of: 'other' } }),
  failed: () =>
    forge({ format: null, bodyOffset: null, records: [], tail: '%PDF', change: { state: 'failed', failure } }),
  resolved: () => resolvedAsUploaded(forge(lines)),
  cancelled: () => forge({ ...lines, held: [2, 3, 7], change: { state: 'quarantined', ...cancelledBy('Ann', 3) } }),
  'released, resolved and corrected': () => decidedAbout(forge(lines)),
  signed: () => signed(forge(csv)),
  'a revision': () => comparedWithAnother(forge(csv)),
  'second of a chain': () => secondOf(forge(lines)),
  'version 2, before a count was added': () => beforeUnchanged(forge({ ...lines, records: lines.records.slice(0, 4) })),
  'without delivered records': () => asBeforeDelivered(forge(lines)),
  'version 1': () => asVersion1(forge(csv)),
};

/** @param stop the number of the stop: it is the second cancel. */
function cancelledBy(by: string, stop: number): Pick<Manifest, 'failure' | 'decisions'> {
  const [first, at] = ['2026-01-05T06:00:00.000Z', '2026-01-05T06:01:00.000Z'];
  return {
    failure: { code: 'cancelled', message: `Cancelled by ${by} at ${at}: wrong day` },
    decisions: [
      { kind: 'calendar', at: first, by: 'calendar', why: null, from: 300, to: 100, window_seconds: 60, until: at },
      { kind: 'cancel', at: first, by: 'Bob', why: 'no', stop: 1 },
      { kind: 'release', at: first, by: 'Bob', why: 'yes', stop: 1 },
      { kind: 'cancel', at, by, why: 'wrong day', stop },
    ],
  };
}

function decidedAbout(forged: Forged): Forged {
  const { manifest, objects } = resolvedAsUploaded(forged);
  const at = '2026-01-05T07:00:00.000Z';
  const [corrected, handled] = [
    { record: 2, resolution: 'uploaded', correction: { id: 'c1', by: 'Ann', at, row: {} } },
    { record: 4, resolution: 'handled', at, by: 'Bob', why: 'sent by hand' },
  ];
  for (const name of objects.keys()) if (name.startsWith('resolutions')) objects.delete(name);
  objects.set('resolutions.new', Buffer.from(`${JSON.stringify(corrected)}\n${JSON.stringify(handled)}\n`));
  manifest.decisions = [
    { kind: 'release', at: '2026-01-05T06:00:00.000Z', by: 'Ann', why: 'right', stop: 1 },
    { kind: 'correct', at, by: 'Ann', why: null, records: 1 },
    { kind: 'resolve', at, by: 'Bob', why: 'sent by hand', records: 1 },
    { kind: 'pause', at: '2026-01-05T08:00:00.000Z', by: 'Bob', why: null },
  ];
  return seal(forged);
}

/** Its first record supersedes one that the API has, or the one that another revision may have left in its place. */
function comparedWithAnother(forged: Forged, change: Partial<Receipt> = {}): Forged {
  const [first, second] = [sha256('first'), sha256('second')];
  const earlier = { earlier_checksums: [second, first, null], supersedes: [sha256('a'), sha256('b')], ...change };
  forged.manifest.compared_with = [
    { file_id: 'traffic.2', manifest_number: 1, receipts_key: 'r', receipts_sha256: second },
  ];
  return seal(changeReceipt(forged, earlier));
}

/** Changes the first record's. */
function changeReceipt(forged: Forged, change: Partial<Receipt>): Forged {
  const [line = '', ...others] = gunzipSync(forged.objects.get('receipts.ndjson.gz') as Buffer)
    .toString()
    .split('\n');
  const changed = JSON.stringify({ ...(JSON.parse(line) as Receipt), ...change });
  forged.objects.set('receipts.ndjson.gz', gzipSync([changed, ...others].join('\n')));
  return forged;
}

function beforeUnchanged(forged: Forged): Forged {
  for (const name of ['unchanged_records', 'removed_records', 'compared_with'])
    Reflect.deleteProperty(forged.manifest, name);
  return forged;
}

function resolvedAsUploaded(forged: Forged): Forged {
  const { manifest, objects } = forged;
  objects.set(
    'resolutions.new',
    Buffer.from('{"record":2,"resolution":"uploaded"}\n{"record":4,"resolution":"handled"}\n'),
  );
  manifest.archive.resolutions_key = 'named when it is sealed';
  Object.assign(manifest, {
    ...{
      uploaded_records: manifest.uploaded_records + 1,
      rejected_records: 0,
      valid_records: 7,
      resolved_records: 1,
      handled_records: 1,
    },
    ...{
      dead_lettered_records: 1,
      errors: manifest.errors.slice(2),
      errors_by_reason: manifest.errors_by_reason.slice(2),
    },
  });
  return seal(forged);
}

/** A manifest from before the records of the first delivery were counted apart. */
function asBeforeDelivered(forged: Forged): Forged {
  delete forged.manifest.times.delivered_records;
  return seal(forged);
}

function signed(forged: Forged): Forged {
  signForged(forged, pemOf('p256'), keys.p256.privateKey);
  return forged;
}

function secondOf(forged: Forged): Forged {
  const first = JSON.stringify(forged.manifest);
  const reports = [...forged.objects].filter(([name]) => name.startsWith('report.'));
  forged.objects.set('manifest.json', Buffer.from(first));
  forged.manifest.manifest_number = 2;
  forged.manifest.previous_manifest_sha256 = sha256(first);
  forged.manifest.archive.manifest_key = forged.manifest.archive.manifest_key.replace(
    'manifest.json',
    'manifest.2.json',
  );
  seal(forged);
  for (const [name, bytes] of reports) forged.objects.set(name, bytes);
  return forged;
}

function asVersion1(forged: Forged): Forged {
  const { manifest } = forged;
  manifest.manifest_version = 1;
  for (const name of ['previous_manifest_sha256', 'body_offset', 'errors_by_reason'])
    Reflect.deleteProperty(manifest, name);
  for (const name of ['resolutions_sha256', 'report_key', 'report_sha256'])
    Reflect.deleteProperty(manifest.archive, name);
  Reflect.deleteProperty(manifest.times, 'delivered_records');
  return forged;
}

/** A folder with a forged manifest; `text`: how it is written. */
function write(dir: string, { manifest, objects }: Forged, text: Buffer | string = JSON.stringify(manifest)): string {
  rmSync(dir, { recursive: true, force: true });
  const name = manifest.manifest_number === 2 ? 'manifest.2.json' : 'manifest.json';
  for (const [path, bytes] of [...objects, [name, Buffer.from(text)] as const]) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), bytes);
  }
  return join(dir, name);
}

const exitCodeHere = async (path: string, manifest?: string): Promise<Answer> => {
  const { holds, isComplete, said } = await verifyHere(path, manifest === undefined ? {} : { manifest });
  return [holds ? (isComplete ? 0 : 3) : 1, said];
};

/** Both verifiers must say the same; gives what that is. */
async function bothSay(path: string, what: string, manifest?: string): Promise<Answer> {
  const args = manifest === undefined ? [path] : [path, manifest];
  const [here, there] = await Promise.all([exitCodeHere(path, manifest), python?.verify(args)]);
  if (there) expect(there[0], `${what}\nfirst: ${here[0]} ${here[1]}\nsecond: ${there[0]} ${there[1]}`).toBe(here[0]);
  return here;
}

const change = (forged: Forged, name: string, by: (bytes: Buffer) => Buffer | string): undefined => {
  const bytes = forged.objects.get(name);
  if (bytes) forged.objects.set(name, Buffer.from(by(bytes) as Buffer));
};

/** Changes to evidence, by the name shown in a failure. Returns the manifest's text if that changes. */
const mutations: Record<string, (forged: Forged, dice: Dice) => Buffer | string | undefined> = {
  'a value of the manifest': ({ manifest }, dice) => {
    mutateValue(manifest as never, dice);
    return undefined;
  },
  'the text of the manifest': ({ manifest }, dice) => mutateText(JSON.stringify(manifest), dice),
  'a value of a line': (forged, dice) =>
    inLines(forged, dice, (line) => JSON.stringify(mutateValue(JSON.parse(line) as never, dice))),
  'the text of a line': (forged, dice) => inLines(forged, dice, (line) => mutateText(line, dice)),
  lines: (forged, dice) =>
    change(forged, dice.pick(packed), (gzip) => gzipSync(mutateLines(gunzipSync(gzip).toString(), dice))),
  'a gzip': (forged, dice) => {
    const name = dice.pick([...packed, 'source/log']);
    if (forged.objects.get(name)?.[0] === 0x1f) change(forged, name, (gzip) => mutateGzip(gzip, dice));
    return undefined;
  },
  'the source': (forged, dice) =>
    change(forged, 'source/log', (bytes) => {
      const isGzip = bytes[0] === 0x1f && bytes.length > 20;
      const content = isGzip ? unpacked(bytes) : bytes;
      const at = dice.roll(content.length + 1);
      const added = dice.pick([
        'x',
        '\n',
        '\r\n',
        ' ',
        ',',
        '\ufeff',
        '\x1a',
        '[',
        ']',
        ';',
        '\0',
        'sep=;\n',
        csvHead,
        'SP-9,"x",1\r\n',
        '\n{}',
        '\x80',
      ]);
      const without = dice.pick([0, 0, 1, 9]);
      const changed = Buffer.concat([content.subarray(0, at), Buffer.from(added), content.subarray(at + without)]);
      forged.manifest.content_bytes = changed.length;
      return isGzip ? gzipSync(changed) : changed;
    }),
  'an object left out': ({ objects }, dice) => {
    objects.delete(dice.pick([...objects.keys()]));
    return undefined;
  },
  'an object in the place of another': ({ objects }, dice) => {
    const names = [...objects.keys()];
    objects.set(dice.pick(names), objects.get(dice.pick(names)) as Buffer);
    return undefined;
  },
  resolutions: (forged, dice) => {
    const name = [...forged.objects.keys()].find((each) => each.startsWith('resolutions.'));
    if (name !== undefined) {
      change(forged, name, (bytes) =>
        dice.roll(2) === 0 ? mutateLines(bytes.toString(), dice) : mutateText(bytes.toString(), dice),
      );
    }
    return undefined;
  },
  'a bit': ({ objects }, dice) => {
    const bytes = objects.get(dice.pick([...objects.keys()])) as Buffer;
    const at = dice.roll(bytes.length || 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.roll(8));
    return undefined;
  },
  'the key': (forged, dice) => {
    const name = dice.pick(['p384', 'rsa', 'k256'] as const);
    signForged(forged, pemOf(name), keys[name].privateKey);
    return undefined;
  },
  'the form of the key': (forged, dice) => {
    const pem = pemOf('p256');
    const der = Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64');
    const wrapped = (bytes: Buffer): string =>
      `-----BEGIN PUBLIC KEY-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`;
    const compressed = Buffer.from(
      `3039301306072a8648ce3d020106082a8648ce3d03010703220002${der.toString('hex', 27, 59)}`,
      'hex',
    );
    const other = dice.pick([
      ...[
        pem.replaceAll('\n', '\r\n'),
        `\n${pem}`,
        `${pem}\n`,
        pem.trimEnd(),
        pem.toLowerCase(),
        `x\n${pem}`,
        pem + pem,
      ],
      ...[
        wrapped(Buffer.concat([der, Buffer.from([0])])),
        wrapped(compressed),
        pem.replace('=', ''),
        pem.replace('\n', '\n '),
      ],
      ...[wrapped(der.map((byte, n) => (n === 40 ? byte ^ 1 : byte)) as Buffer), wrapped(der.subarray(0, 90)), ''],
    ]);
    signForged(forged, other === '' ? '\n\n\n' : other, keys.p256.privateKey);
    return undefined;
  },
  'the form of the signature': (forged, dice) => {
    signed(forged);
    change(forged, 'manifest.json.sig', (der) => mutateDer(der, dice));
    return undefined;
  },
};
const packed = ['receipts.ndjson.gz', 'dead-letters.ndjson.gz'];

function inLines(forged: Forged, dice: Dice, by: (line: string) => Buffer | string): undefined {
  return change(forged, dice.pick(packed), (gzip) => {
    const all = gunzipSync(gzip).toString('latin1').split('\n').slice(0, -1);
    const at = dice.roll(all.length);
    const line = Buffer.from(by(Buffer.from(all[at] ?? '', 'latin1').toString())).toString('latin1');
    return gzipSync(Buffer.from(`${all.with(at, line).join('\n')}\n`, 'latin1'));
  });
}

/** A number in a header, or what follows the archive: parsers differ in what they check. */
function mutateZip(zip: Buffer, dice: Dice): Buffer {
  const [end, comment] = [zip.length - 22, dice.pick(['\n', '\r\n', 'hello', '\0', '\n\n', zip.subarray(-22)])];
  const changed = Buffer.from(zip);
  const places = [0, zip.readUInt32LE(end + 16), end].flatMap((from) => Array.from({ length: 60 }, (_, n) => from + n));
  const place = dice.pick(places.filter((each) => each < zip.length));
  const before = changed[place] ?? 0;
  changed[place] = dice.pick([before ^ (1 << dice.roll(8)), before + 1, before + 255, 0, 255]) % 256;
  if (dice.roll(4) === 0) zip.copy(changed);
  if (dice.roll(3) > 0) return changed;
  if (dice.roll(2) === 0) changed.writeUInt16LE(comment.length, end + 20);
  return Buffer.concat([changed, Buffer.from(comment as Buffer)]);
}

function mutateDer(der: Buffer, dice: Dice): Buffer {
  const rLength = der[3] ?? 0;
  const [r, s] = [der.subarray(4, 4 + rLength), der.subarray(6 + rLength)];
  const encoded = (...integers: Buffer[]): Buffer => {
    const body = Buffer.concat(integers.map((each) => Buffer.concat([Buffer.from([2, each.length]), each])));
    return Buffer.concat([Buffer.from([0x30, body.length]), body]);
  };
  const padded = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0]), bytes]);
  const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
  const asInteger = (value: bigint): Buffer => {
    const bytes = Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
    const start = bytes.findIndex((byte) => byte !== 0);
    const short = bytes.subarray(start === -1 ? 31 : start);
    return (short[0] ?? 0) >= 0x80 ? padded(short) : short;
  };
  const value = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);
  return dice.pick([
    () => encoded(padded(r), s),
    () => encoded(r, padded(s)),
    () => encoded(r, asInteger(order - value(s))),
    () => encoded(asInteger(value(r) + order), s),
    () => encoded(r, asInteger(0n)),
    () => encoded(asInteger(0n), asInteger(0n)),
    () => encoded(asInteger(1n), asInteger(1n)),
    () => encoded(r, s, s),
    () => encoded(r),
    () => Buffer.concat([der, Buffer.from([0])]),
    () => Buffer.concat([Buffer.from([0x30, 0x81, der.length - 2]), der.subarray(2)]),
    () => Buffer.concat([Buffer.from([0x30, 0x80]), der.subarray(2), Buffer.from([0, 0])]),
    () => Buffer.concat([Buffer.from([0x31]), der.subarray(1)]),
    () => Buffer.concat([r.subarray(-32), s.subarray(-32)]),
    () => der.subarray(0, dice.roll(der.length)),
    () => Buffer.alloc(0),
    () => Buffer.from(der.map((byte, n) => (n === dice.roll(der.length) ? byte ^ 0x80 : byte))),
  ])();
}

it.each(Object.keys(kinds))('agree that evidence of the kind "%s" holds', async (kind) => {
  const [code, said] = await bothSay(write(join(root, 'whole'), (kinds[kind] as () => Forged)()), kind);
  expect(code, said).toBe(kind === 'version 1' ? 3 : 0);
});

it(`agree on ${cases} cases of changed evidence (seed ${seed})`, { timeout: 300_000 }, async () => {
  const codes: Record<number, number> = { 0: 0, 1: 0, 3: 0 };
  for (let n = 0; n < cases; n++) {
    const dice = new Dice(seed * 1_000_003 + n);
    const kind = dice.pick(Object.keys(kinds));
    const forged = (kinds[kind] as () => Forged)();
    const what = dice.pick(Object.keys(mutations));
    const text = mutations[what]?.(forged, dice);
    // What was made to fit again is met by those that look at content, not by hashes alone.
    if (text === undefined && dice.roll(4) > 0) trySeal(forged, kind);
    const [code] = await bothSay(write(join(root, 'case'), forged, text), `case ${n}: ${what}, ${kind}`);
    codes[code] = (codes[code] ?? 0) + 1;
  }
  // A test that only ever sees one verdict would show nothing.
  expect(Math.min(...Object.values(codes)), JSON.stringify(codes)).toBeGreaterThan(cases / 100);
});

function trySeal(forged: Forged, kind: string): void {
  try {
    seal(forged);
    if (kind === 'signed') signed(forged);
  } catch {
    // Its manifest is none any more.
  }
}

it('agree on changed proofs', { timeout: 120_000 }, async () => {
  const forged = kinds['quarantined']?.() as Forged;
  const manifest = write(join(root, 'proved'), forged);
  const text = JSON.stringify(forged.manifest);
  const receipts = gunzipSync(forged.objects.get('receipts.ndjson.gz') as Buffer)
    .toString()
    .split('\n')
    .slice(0, -1);
  const proofs = await Promise.all(
    [1, 4, 5, 6].map((record) =>
      proveRecord(record, { text, manifest: forged.manifest }, async () =>
        (async function* () {
          yield* receipts;
        })(),
      ),
    ),
  );
  const path = join(root, 'proof.json');
  for (const proof of proofs) {
    writeFileSync(path, JSON.stringify(proof));
    expect((await bothSay(path, 'whole'))[0]).toBe(3);
    expect((await bothSay(path, 'whole', manifest))[0]).toBe(0);
  }
  for (let n = 0; n < cases / 5; n++) {
    const dice = new Dice(seed * 1_000_003 + n);
    const proof: RecordProof = structuredClone(dice.pick(proofs));
    const other = dice.pick(proofs);
    const changes: (() => Buffer | string)[] = [
      () => JSON.stringify(mutateValue(proof, dice)),
      () => mutateText(JSON.stringify(proof), dice),
      () => JSON.stringify({ ...proof, receipt: mutateText(proof.receipt, dice).toString('latin1') }),
      () => JSON.stringify({ ...proof, [dice.pick(Object.keys(proof))]: dice.pick(Object.values(other)) as unknown }),
      () => JSON.stringify({ ...proof, path: [...proof.path, ...other.path] }),
    ];
    writeFileSync(path, dice.pick(changes)());
    await bothSay(path, `proof ${n}`, dice.roll(2) === 0 ? manifest : undefined);
  }
});

it.each([
  [
    'csv',
    {
      ...csv,
      records: recordsOf(csvRows, '\r\n', `A title\r\n${csvHead}`),
      bodyOffset: Buffer.byteLength(`A title\r\n${csvHead}`),
    },
  ],
  ['an object that holds more', { ...wrapped, tail: '\n],"More":[{"id":8}]}' }],
  ['an object that is not whole', { ...wrapped, tail: '\n]' }],
])('list files around the records of %s that are certainly none of them as not checked', async (what, file) => {
  expect((await bothSay(write(join(root, 'around'), forge(file)), what))[0]).toBe(3);
});

/** Each was read differently by the two, or passed in one of them, before they were strict. */
const refused: Record<string, (forged: Forged) => Buffer | string | undefined> = {
  'held_ranges twice': ({ manifest }) =>
    JSON.stringify(manifest).replace('"held_ranges":', '"held_ranges":[],"held_ranges":'),
  'a boolean as a number': ({ manifest }) =>
    JSON.stringify(manifest).replace(/"resolved_records":0/, '"resolved_records":false'),
  'a number with a fraction': ({ manifest }) =>
    JSON.stringify(manifest).replace('"total_records":7', '"total_records":7.0'),
  'manifest_version 3': ({ manifest }) => JSON.stringify({ ...manifest, manifest_version: 3 }),
  'a field that is not known': ({ manifest }) => JSON.stringify({ ...manifest, control_key: 'x' }),
  'capital hex': ({ manifest }) => JSON.stringify({ ...manifest, checksum: manifest.checksum?.toUpperCase() }),
  'a byte-order mark': ({ manifest }) => `\ufeff${JSON.stringify(manifest)}`,
  NaN: ({ manifest }) => JSON.stringify(manifest).replace('"upload_seconds":6', '"upload_seconds":NaN'),
  'other bytes': ({ manifest }) => JSON.stringify({ ...manifest, bytes: manifest.bytes + 1 }),
  'another error': ({ manifest }) =>
    JSON.stringify({ ...manifest, errors: manifest.errors.map((each) => ({ ...each, error: 'other' })) }),
  'another count by reason': ({ manifest }) => {
    const [first, ...rest] = manifest.errors_by_reason;
    return JSON.stringify({ ...manifest, errors_by_reason: [{ ...first, reason: 'other' }, ...rest] });
  },
  'an RSA key': (forged) => signForged(forged, pemOf('rsa'), keys.rsa.privateKey),
  'a P-384 key': (forged) => signForged(forged, pemOf('p384'), keys.p384.privateKey),
  'padded DER': (forged) => {
    signForged(forged, pemOf('p256'), keys.p256.privateKey);
    change(forged, 'manifest.json.sig', (der) =>
      Buffer.concat([Buffer.from([0x30, (der[1] ?? 0) + 1, 2, (der[3] ?? 0) + 1, 0]), der.subarray(4)]),
    );
    return undefined;
  },
  'a row that is in no receipt': (forged) =>
    change(forged, 'source/log', (bytes) => bytes.toString().replace('SP-3', 'SP-0,x,0\r\nSP-3').replace('ü', 'ü')),
  'a row behind the last record': (forged) =>
    change(forged, 'source/log', (bytes) => `${bytes.toString()}SP-8,x,8\r\n`),
  'a record twice in the receipts': (forged) =>
    change(forged, 'receipts.ndjson.gz', (gzip) => {
      const all = gunzipSync(gzip).toString().split('\n');
      return gzipSync(all.with(1, (all[0] ?? '').replace('"record":1', '"record":2')).join('\n'));
    }),
  'a record of no bytes': (forged) =>
    change(forged, 'receipts.ndjson.gz', (gzip) =>
      gzipSync(
        gunzipSync(gzip)
          .toString()
          .replace(/"length":\d+,"sha256":"[0-9a-f]+"/, `"length":0,"sha256":"${sha256('')}"`),
      ),
    ),
  'an earlier version, and no comparison': (forged) =>
    void changeReceipt(forged, { earlier_checksums: [sha256('a')], supersedes: [sha256('b')] }),
  'a record that supersedes itself': (forged) =>
    void comparedWithAnother(forged, { supersedes: [requestIdOfFirst(forged), sha256('b')] }),
  'fewer superseded requests than versions': (forged) =>
    void comparedWithAnother(forged, { supersedes: [sha256('b')] }),
  'superseded requests, and no version': (forged) => {
    void comparedWithAnother(forged);
    void changeReceipt(forged, { earlier_checksums: undefined });
  },
  'no earlier version before another one': (forged) =>
    void comparedWithAnother(forged, { earlier_checksums: [null, sha256('a')], supersedes: [sha256('b')] }),
  'the same earlier version twice': (forged) =>
    void comparedWithAnother(forged, { earlier_checksums: [sha256('a'), sha256('a')] }),
  'an earlier version that is not superseded': (forged) => void comparedWithAnother(forged, { supersedes: undefined }),
  'another quote of a record': (forged) => {
    for (const name of packed) {
      change(forged, name, (gzip) =>
        gzipSync(
          gunzipSync(gzip)
            .toString()
            .replace(/"raw_payload":"SP/, '"raw_payload":"XX'),
        ),
      );
    }
    const [error] = forged.manifest.errors;
    if (error) error.raw_value = error.raw_value.replace('SP', 'XX');
    return undefined;
  },
};

const requestIdOfFirst = ({ objects }: Forged): string => {
  const [line = ''] = gunzipSync(objects.get('receipts.ndjson.gz') as Buffer)
    .toString()
    .split('\n');
  return (JSON.parse(line) as Receipt).request_id ?? '';
};

it.each(Object.keys(refused))('refuse evidence with %s', async (what) => {
  const forged = forge(csv);
  const text = refused[what]?.(forged);
  // A key or signature is changed for the manifest as it is; after any other change, everything is made to fit again.
  if (text === undefined && !forged.manifest.signature) seal(forged);
  expect((await bothSay(write(join(root, 'refused'), forged, text), what))[0]).toBe(1);
});

it('read crafted receipts in time linear in their size', async () => {
  // A line without an end, of which each byte packs a thousand; and ever so many members that hold nothing.
  const long = gzipSync(Buffer.alloc(80 * 1024 * 1024, 'x'), { level: 1 });
  const members = Buffer.concat(Array<Buffer>(20_000).fill(gzipSync('')));
  for (const receipts of [long, members, gzipSync('\n'.repeat(1_000_000))]) {
    const forged = forge(csv);
    forged.objects.set('receipts.ndjson.gz', receipts);
    forged.manifest.archive.receipts_sha256 = sha256(receipts);
    expect((await bothSay(write(join(root, 'crafted'), forged), 'crafted'))[0]).toBe(1);
  }
});

it('agree on changed ZIP archives', { timeout: 120_000 }, async () => {
  const codes = new Set<number>();
  for (let n = 0; n < cases / 10; n++) {
    const dice = new Dice(seed * 1_000_003 + n);
    const forged = kinds['lines in a ZIP archive']?.() as Forged;
    change(forged, 'source/log', (zip) => mutateZip(zip, dice));
    codes.add((await bothSay(write(join(root, 'zip'), seal(forged)), `archive ${n}`))[0]);
  }
  expect([...codes].sort()).toEqual([0, 1]);
});

it.each(['text', 'base64'] as const)('agree that a record is too long to be quoted as %s', async (encoding) => {
  const text = 'x'.repeat(70_000);
  const forged = forge({ ...lines, records: [{ text, outcome: 'refused', before: '' }] });
  const quoted = Buffer.from(text).subarray(0, 64 * 1024 + 1);
  const payload = encoding === 'text' ? quoted.toString() : quoted.toString('base64');
  for (const name of packed) {
    change(forged, name, (gzip) => {
      const receipt = JSON.parse(gunzipSync(gzip).toString()) as object;
      return gzipSync(`${JSON.stringify({ ...receipt, raw_encoding: encoding, raw_payload: payload })}\n`);
    });
  }
  forged.manifest.errors = forged.manifest.errors.map((error) => ({ ...error, raw_value: payload.slice(0, 500) }));
  expect(await bothSay(write(join(root, 'long'), seal(forged)), 'long')).toEqual([
    1,
    expect.stringContaining('too long to be quoted'),
  ]);
});

it('agree that half of a surrogate pair is in no name', async () => {
  const forged = forge(lines);
  const { archive } = forged.manifest;
  archive.source_key = `${archive.source_key}\ud800`;
  forged.objects.set('source/log\ufffd', forged.objects.get('source/log') as Buffer);
  expect((await bothSay(write(join(root, 'surrogate'), forged), 'surrogate'))[0]).toBe(1);
});
