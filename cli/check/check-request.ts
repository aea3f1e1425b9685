import type { FileHandle } from 'node:fs/promises';
import type { CheckSettings } from './check-settings.ts';

export interface CheckRequest extends CheckSettings {
  stage: string;
  /** When it would be dropped. Milliseconds since 1970. */
  startsAtMs: number;
  /** Opens the file for the rejects, once it is known that there is something to be read. */
  openRejects: (() => Promise<FileHandle>) | undefined;
  onProgress: (progress: { what: 'hashing' | 'unpacking' | 'records'; done: number; whole: number }) => void;
  signal: AbortSignal;
}
