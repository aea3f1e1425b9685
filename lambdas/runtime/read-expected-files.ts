import { readFileSync } from 'node:fs';
import * as z from 'zod';
import type { ExpectedFile } from '../core/nights/expected-files.ts';
import { expectedFile } from '../core/nights/expected-files.ts';

/**
 * The files that should arrive each day, as they were deployed with the code.
 * @param name of the file beside the code; undefined if nothing is expected
 * @param codeUrl where the code is
 * @throws if the file is missing or wrong: a wrong deploy fails at init
 */
export function readExpectedFiles(name: string | undefined, codeUrl: string): ExpectedFile[] {
  if (name === undefined) return [];
  return z.array(expectedFile).parse(JSON.parse(readFileSync(new URL(name, codeUrl), 'utf8')));
}
