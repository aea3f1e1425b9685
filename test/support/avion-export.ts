import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { ProblemReason } from '../../lambdas/core/records/problem.ts';
import type { BrokenKind } from './avion-broken-rows.ts';
import { breakRow, usualBrokenKinds } from './avion-broken-rows.ts';
import type { ExportFormat, SourceRow } from './avion-row-text.ts';
import { columns, csvRow, jsonRow } from './avion-row-text.ts';
import { advertisers, agencies, durations, notes, stations } from './avion-spots.ts';

/** What the API must be given for a row: exactly these fields. */
export interface SpotPayload extends Record<string, unknown> {
  spot_id: string;
  station: string;
  airtime: string;
  duration_sec: number;
  advertiser: string;
}

export type RowTruth =
  | { kind: 'valid'; payload: SpotPayload }
  /** Valid, with a spot id that the fake API refuses with 422. */
  | { kind: 'refused'; payload: SpotPayload }
  | { kind: 'broken'; broken: BrokenKind; reason: ProblemReason; field: string | null };

export interface ExportRow {
  /** From 1. */
  record: number;
  /** The physical line it begins on, from 1; a note with a line break in it makes a record of two. */
  line: number;
  /** Where its bytes begin in the file. */
  offset: number;
  /** As written in the file, without the line break that ends it. */
  bytes: Buffer;
  truth: RowTruth;
}

export interface AvionExportOptions {
  rows: number;
  format: ExportFormat;
  /** The same seed and options make the same bytes. */
  seed: number;
  /** Share of invalid rows, 0 to 1 (default 0); the kinds alternate. */
  brokenShare?: number;
  /** Ten usual ones by default. */
  kinds?: readonly BrokenKind[];
  /** So many valid rows, spread over the file, have ids that the fake API refuses (default 0). */
  refused?: number;
  lineBreak?: '\n' | '\r\n';
  /** A byte order mark before the first byte, as Excel writes it. */
  byteOrderMark?: boolean;
  /** Whether the last row ends with a line break (default true). */
  endsWithBreak?: boolean;
  /** The broadcast day, `YYYY-MM-DD`. */
  day?: string;
}

/** A realistic export, row by row: what takes memory is the one row. */
export function* avionRows(options: AvionExportOptions): Generator<ExportRow> {
  const { rows, format, seed, brokenShare = 0, kinds = usualBrokenKinds, refused = 0 } = options;
  const random = dice(seed);
  const breakBytes = options.lineBreak?.length ?? 1;
  const head = headOf(options);
  let offset = head.length;
  let line = format === 'csv' ? 2 : 1;
  let broken = 0;
  let refusedSoFar = 0;
  for (let record = 1; record <= rows; record++) {
    // In the middle of each of `refused` equal stretches.
    const isRefused = refusedSoFar < refused && record >= ((refusedSoFar + 0.5) * rows) / refused;
    const isBroken = random() < brokenShare && !isRefused;
    const row = rowOf(record, options, isRefused, random);
    let bytes: Buffer;
    let truth: RowTruth;
    if (isBroken) {
      const kind = kinds[broken++ % kinds.length] as BrokenKind;
      // Without the note: a line break in it would split an invalid row in two.
      const text = breakRow(kind, format, { ...row, Notes: '' });
      bytes = text.bytes;
      truth = { kind: 'broken', broken: kind, reason: text.reason, field: text.field };
    } else {
      bytes = Buffer.from(format === 'csv' ? csvRow(row) : jsonRow(row));
      truth = { kind: isRefused ? 'refused' : 'valid', payload: payloadOf(row) };
      if (isRefused) refusedSoFar++;
    }
    yield { record, line, offset, bytes, truth };
    offset += bytes.length + breakBytes;
    line += 1 + (bytes.includes(0x0a) ? 1 : 0);
  }
}

/** What a written export amounts to. */
export interface AvionExport {
  sha256: string;
  bytes: number;
  valid: number;
  refused: number;
  broken: number;
  byKind: Partial<Record<BrokenKind, number>>;
}

/**
 * Writes an export to a file, a mebibyte at a time.
 * @param onRow called with each row, so that a test can keep the expected results
 */
export async function writeAvionExport(
  path: string,
  options: AvionExportOptions,
  onRow: (row: ExportRow) => void = () => undefined,
): Promise<AvionExport> {
  const file = await open(path, 'w');
  const hash = createHash('sha256');
  const told: AvionExport = { sha256: '', bytes: 0, valid: 0, refused: 0, broken: 0, byKind: {} };
  try {
    for (const chunk of avionChunks(options, (row) => count(told, row, onRow))) {
      hash.update(chunk);
      told.bytes += chunk.length;
      await file.write(chunk);
    }
  } finally {
    await file.close();
  }
  return { ...told, sha256: hash.digest('hex') };
}

const chunkBytes = 1024 * 1024;

/** The file's bytes in order, a mebibyte or so at a time. */
export function* avionChunks(options: AvionExportOptions, onRow: (row: ExportRow) => void): Generator<Buffer> {
  const lineBreak = Buffer.from(options.lineBreak ?? '\n');
  let pieces: Buffer[] = [headOf(options)];
  let length = 0;
  for (const row of avionRows(options)) {
    onRow(row);
    const isLast = row.record === options.rows;
    pieces.push(row.bytes, isLast && options.endsWithBreak === false ? Buffer.alloc(0) : lineBreak);
    length += row.bytes.length + lineBreak.length;
    if (length < chunkBytes) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    length = 0;
  }
  yield Buffer.concat(pieces);
}

function count(told: AvionExport, row: ExportRow, onRow: (row: ExportRow) => void): void {
  told[row.truth.kind]++;
  if (row.truth.kind === 'broken') told.byKind[row.truth.broken] = (told.byKind[row.truth.broken] ?? 0) + 1;
  onRow(row);
}

function headOf({ format, lineBreak = '\n', byteOrderMark }: AvionExportOptions): Buffer {
  const mark = byteOrderMark ? '\ufeff' : '';
  return Buffer.from(format === 'csv' ? `${mark}${columns.join(',')}${lineBreak}` : mark);
}

function rowOf(record: number, options: AvionExportOptions, refused: boolean, random: () => number): SourceRow {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const number = String(record).padStart(7, '0');
  // A broadcast day begins at 6 and counts on past midnight, to 29:59.
  const second = Math.floor((record / (options.rows + 1)) * 86_400) + 6 * 3600;
  const pad = (value: number): string => String(value).padStart(2, '0');
  const time = `${pad(Math.floor(second / 3600))}:${pad(Math.floor(second / 60) % 60)}:${pad(second % 60)}`;
  return {
    SpotID: `${refused ? 'REFUSE' : 'SP'}-${(options.seed >>> 0).toString(36).toUpperCase()}-${number}`,
    StationCode: pick(stations),
    AirDateTime: `${options.day ?? '2026-01-05'} ${time}`,
    Duration: durationOf(options.format, pick(durations), random),
    ClientName: pick(advertisers),
    ISCI: `${pick(stations).slice(0, 4)}${number}H`,
    AgencyName: pick(agencies),
    ContractLine: Math.floor(random() * 90_000) + 10_000,
    Notes: pick(notes),
  };
}

/** JSON has numbers too; either is good. */
function durationOf(format: ExportFormat, text: string, random: () => number): string | number {
  return format === 'jsonl' && random() < 0.5 ? Number(text) : text;
}

function payloadOf(row: SourceRow): SpotPayload {
  return {
    spot_id: String(row['SpotID']),
    station: String(row['StationCode']),
    airtime: String(row['AirDateTime']),
    duration_sec: Number(row['Duration']),
    advertiser: String(row['ClientName']),
  };
}

/** Mulberry32. @returns 0 ≤ x < 1 */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
