import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Undefined where none is installed. */
export const soffice = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((folder) => ['soffice', 'libreoffice'].map((name) => join(folder, name)))
  .find((path) => existsSync(path));

/** An import's settings, as LibreOffice numbers them: code points of separators and quote, and each column's type (2: text). */
export interface LibreOfficeImport {
  separators: string;
  quote: string;
  textColumns: number;
}

/** For the name of a suite that is left out. */
export const withoutLibreOffice = soffice === undefined ? ' (skipped: no LibreOffice on this machine)' : '';

/** A CSV as LibreOffice opens it, without a screen: the sheet as flat XML. */
export function openInLibreOffice(csv: string, how: LibreOfficeImport): Promise<string> {
  return withFile(csv, async (convert) => {
    await convert('list.csv', 'fods', filterOf(how));
    return 'list.fods';
  });
}

/** The same, saved as CSV again: with semicolons, and all texts quoted. */
export function saveInLibreOffice(csv: string, how: LibreOfficeImport): Promise<string> {
  return withFile(csv, async (convert) => {
    await convert('list.csv', 'ods', filterOf(how));
    await convert('list.ods', 'csv:Text - txt - csv (StarCalc):59,34,76,1,,0,true');
    return 'list.csv';
  });
}

type Convert = (name: string, to: string, ...options: string[]) => Promise<unknown>;

async function withFile(csv: string, work: (convert: Convert) => Promise<string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-libreoffice-'));
  const profile = `-env:UserInstallation=${pathToFileURL(join(folder, 'profile')).href}`;
  const convert: Convert = (name, to, ...options) =>
    run(soffice ?? 'soffice', [profile, '--headless', ...options, '--convert-to', to, name], {
      cwd: folder,
      timeout: 120_000,
    });
  try {
    await writeFile(join(folder, 'list.csv'), csv);
    return await readFile(join(folder, await work(convert)), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** UTF-8 (76), from the first line on. Formulas are run where nothing else is said. */
function filterOf({ separators, quote, textColumns }: LibreOfficeImport): string {
  const codes = Array.from(separators, (character) => character.charCodeAt(0)).join('/');
  const types = Array.from({ length: textColumns }, (_, index) => `${index + 1}/2`).join('/');
  return `--infilter=CSV:${codes},${quote.charCodeAt(0)},76,1,${types}`;
}
