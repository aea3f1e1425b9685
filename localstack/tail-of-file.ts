import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

const tailBytes = 64 * 1024;

/** @returns 0 if there is none */
export function sizeOfFile(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last lines of a log, which may be large, from `fromByte` on; empty if there is none. */
export function tailOfFile(path: string, lines: number, fromByte = 0): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.max(0, Math.min(size - fromByte, tailBytes)));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(file);
  }
}
