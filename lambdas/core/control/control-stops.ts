import type { Quarantine } from '../account/stops.ts';
import type { FileControl } from './file-control.ts';

/** The codes of a quarantine for a file's control file: nothing of the file was sent before it. */
export const controlStops: readonly string[] = ['control_differs', 'control_missing'];

/** @param why what differs, in sentences */
export function differingControl(name: string, why: string, nowMs: number): Quarantine {
  const message = `The file does not agree with its control file ${name}. ${why} None of its records was sent.`;
  return { at: nowMs, code: 'control_differs', rejected: 0, seen: 0, message };
}

/** A person has released the file before its control file came. */
export function missingControl({ name, waitingSince }: FileControl, nowMs: number): Quarantine {
  const since = waitingSince === undefined ? '' : ` since ${new Date(waitingSince).toISOString()}`;
  const message = `The file waited for its control file ${name}${since}, and was not compared with it.`;
  return { at: nowMs, code: 'control_missing', rejected: 0, seen: 0, message };
}
