import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commentsOf, faultsOf, stringsOf, titlesOf } from './english.ts';
import { readPages, root } from './pages.ts';

/** Folders whose strings (messages, help, pages, alarms) are checked. */
const withStrings = ['cdk', 'cli', 'feeds', 'lambdas', 'localstack'];
/** Folders whose comments are checked. Add a folder when its comments are in plain English. */
const withComments = [...withStrings, 'bench', 'test'];

const filesOf = (folder: string) => globSync(`${folder}/**/*.{ts,js,mjs}`, { cwd: root }).sort();
const inFiles = (folder: string, part: (path: string, text: string) => string) =>
  filesOf(folder).flatMap((path) =>
    faultsOf(part(path, readFileSync(resolve(root, path), 'utf8'))).map((fault) => `${path}:${fault}`),
  );

describe('plain English', () => {
  it.each(readPages().map((page) => [page.path, page] as const))('in %s', (_, page) => {
    expect(faultsOf(page.prose)).toEqual([]);
  });

  it.each(withStrings)('in the strings of %s/', (folder) => {
    expect(inFiles(folder, stringsOf)).toEqual([]);
  });

  it.each(withComments)('in the comments of %s/', (folder) => {
    expect(inFiles(folder, commentsOf)).toEqual([]);
  });

  it('in the titles of tests', () => {
    expect(inFiles('test', titlesOf)).toEqual([]);
  });
});

describe('the check', () => {
  const program =
    "// told twice\nconst a = `x ${told} under way`; /* nobody */\nconst b = 'for somebody'; const c = 'told';\n";

  it('finds phrases in strings, and leaves names and comments alone', () => {
    expect(faultsOf(stringsOf('a.ts', program)).map((fault) => fault.split(' →')[0])).toEqual([
      '2: "under way"',
      '3: "somebody"',
    ]);
  });

  it('finds phrases in comments alone', () => {
    expect(faultsOf(commentsOf('a.ts', program)).map((fault) => fault.split(' →')[0])).toEqual([
      '1: "told"',
      '2: "nobody"',
    ]);
  });

  it('finds phrases in titles alone', () => {
    const tests = "it('is told', () => read('is told'));\nit.each([['told']])('%s is under way', () => {});\n";
    expect(faultsOf(titlesOf('a.ts', tests)).map((fault) => fault.split(' →')[0])).toEqual([
      '1: "told"',
      '2: "under way"',
    ]);
  });
});
