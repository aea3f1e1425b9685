import { ControlFileError } from './control-file-error.ts';

/** A line of `sha256sum`: the digest, a blank, a blank or `*`, the name. After a backslash, the name is escaped. */
const plainLine = /^(\\?)([0-9a-fA-F]{64}) [ *](.+)$/s;
/** The same with `--tag`. */
const taggedLine = /^(\\?)SHA256 \((.+)\) = ([0-9a-fA-F]{64})$/s;

/** As in the tool: a name with a backslash or a line break has these in their place. */
const escapes: Readonly<Record<string, string>> = { '\\\\': '\\', '\\n': '\n', '\\r': '\r' };

/**
 * The SHA-256 that the output of `sha256sum` has for a file, in lower-case hex. A name there counts without its folders:
 * nothing is opened by it.
 * @param name of the file, without folders
 * @throws ControlFileError if a line is none of the tool's, if no line names the file, or if two say different things of it
 */
export function parseSums(text: string, name: string): string {
  const found = new Set<string>();
  let lines = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const bare = line.replace(/\r$/, '');
    // The tool ignores comments too.
    if (bare === '' || bare.startsWith('#')) continue;
    lines++;
    const { digest, path } = sumIn(bare, index + 1);
    if (nameIn(path) === name) found.add(digest.toLowerCase());
  }
  const [sha256, ...others] = found;
  if (lines === 0) throw new ControlFileError('It is empty.');
  if (sha256 === undefined) throw new ControlFileError(`None of its ${lines} lines names ${name}.`);
  if (others.length > 0) throw new ControlFileError(`It has ${found.size} different SHA-256 for ${name}.`);
  return sha256;
}

function sumIn(line: string, number: number): { digest: string; path: string } {
  const plain = plainLine.exec(line);
  const [, slash = '', digest = '', path = ''] = plain ?? [];
  if (plain) return { digest, path: unescaped(path, slash) };
  const [all, mark = '', tagged = '', sum = ''] = taggedLine.exec(line) ?? [];
  if (all === undefined) throw new ControlFileError(`Line ${number} is not one that sha256sum prints.`);
  return { digest: sum, path: unescaped(tagged, mark) };
}

const unescaped = (path: string, mark: string): string =>
  mark === '' ? path : path.replace(/\\[\\nr]/g, (escape) => escapes[escape] ?? escape);

/** Both kinds of slashes end a folder: the tool may have run on Windows. */
const nameIn = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
