import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Data about an endpoint that was started here, in `<stateDir>/endpoint.json`. */
export const endpointRecordSchema = z.object({
  kind: z.enum(['ministack', 'docker']),
  url: z.url(),
  port: z.int(),
  /** The process and leader of its group; null for Docker, which tracks its own processes. */
  process: z.object({ pid: z.int(), startedAt: z.string() }).nullable(),
});
export type EndpointRecord = z.infer<typeof endpointRecordSchema>;

const recordPath = (stateDir: string): string => join(stateDir, 'endpoint.json');

/** @returns null if there is none, or if it can't be read (a state directory of another version) */
export function readEndpointRecord(stateDir: string): EndpointRecord | null {
  try {
    return endpointRecordSchema.parse(JSON.parse(readFileSync(recordPath(stateDir), 'utf8')));
  } catch {
    return null;
  }
}

/** Writes by renaming, so that a reader never sees a partial file. */
export function writeEndpointRecord(stateDir: string, record: EndpointRecord): void {
  mkdirSync(stateDir, { recursive: true });
  const draft = `${recordPath(stateDir)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(draft, recordPath(stateDir));
}

export function removeEndpointRecord(stateDir: string): void {
  rmSync(recordPath(stateDir), { force: true });
}
