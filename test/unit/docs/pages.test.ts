import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, deadLinksOf, missingFilesOf, readPage, readPages } from './pages.ts';

const pages = readPages();
/** Its entries are one line each, and every change adds one. */
const isChangelog = (path: string) => path === 'CHANGELOG.md';
const page = (text: string) => ({ path: 'docs/README.md', text, prose: text });

describe.each(pages.map((each) => [each.path, each] as const))('%s', (_, each) => {
  it('links only to files and headings that exist', () => {
    expect(deadLinksOf(each)).toEqual([]);
  });

  // Decisions are historical: the files they name may have moved since.
  it.skipIf(/decisions\/|CHANGELOG/.test(each.path))('names only files that exist', () => {
    expect(missingFilesOf(each)).toEqual([]);
  });

  it.skipIf(isChangelog(each.path))('has prose of at most 120 characters a line', () => {
    const lengthOf = (line: string) => line.replaceAll(/\]\([^)]*\)/g, ']').length;
    expect(each.prose.split('\n').filter((line) => !/^\||^!\[/.test(line) && lengthOf(line) > 120)).toEqual([]);
  });

  it.skipIf(isChangelog(each.path))('has no table cell of more than 200 characters', () => {
    const rows = each.prose.split('\n').filter((line) => line.startsWith('|'));
    const cells = rows.flatMap((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()));
    expect(cells.filter((cell) => cell.length > 200 && !/^:?-+:?$/.test(cell))).toEqual([]);
  });
});

it('includes the pages at the top, too', () => {
  const paths = pages.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'localstack/README.md']),
  );
});

it('answers each question of docs/README.md under a heading with that question', () => {
  const { text } = pages.find(({ path }) => path === 'docs/README.md') ?? page('');
  const list = text.slice(text.indexOf('\n## Questions'), text.indexOf('\n## Decisions'));
  const links = [...list.matchAll(/^- \[(.+?\?[^\]]*)\]\(([^)#]+)#([^)]+)\)$/gm)];
  expect(links.length).toBeGreaterThan(10);
  for (const [link, , path = ''] of links) {
    const headings = readPage(join('docs', path)).text.match(/^#+ .+$/gm) ?? [];
    const anchor = link.split('#')[1]?.slice(0, -1);
    expect(headings.find((heading) => anchorsOf(page(heading)).has(anchor ?? ''))).toMatch(/\?|Where to get help/);
  }
});

it('lists every page and every decision in docs/README.md, and every topic in docs/architecture.md', () => {
  const linked = (from: string) => new Set([...readPage(from).text.matchAll(/\]\(([^)#]+)/g)].map(([, to]) => to));
  const [inDocs, inArchitecture] = [linked('docs/README.md'), linked('docs/architecture.md')];
  const paths = pages.map(({ path }) => path);
  const isListed = (path: string): boolean => {
    const name = path.slice('docs/'.length);
    return name.startsWith('architecture/') ? inArchitecture.has(name) : inDocs.has(name);
  };
  const ours = paths.filter((path) => /^docs\/(?!README|pictures\/|schemas\/|iam\/)/.test(path));
  expect(ours.filter((path) => !isListed(path))).toEqual([]);
});

it('has Meaning, Impact, Investigate and Resolve in each alarm’s entry of the runbook', () => {
  const entries = readPage('docs/operations.md').text.split(/^## /m).slice(1);
  const alarms = entries.filter((entry) => /^\*\*Alarms?\*\*/m.test(entry));
  expect(alarms.length).toBeGreaterThan(20);
  const parts = ['Meaning', 'Impact', 'Investigate', 'Resolve'];
  const isWhole = (entry: string): boolean => parts.every((part) => entry.includes(`\n**${part}`));
  expect(alarms.filter((entry) => !isWhole(entry)).map((entry) => entry.split('\n')[0])).toEqual([]);
});

describe('the check of links', () => {
  it.each([
    ['a missing file', '[a](nowhere.md)'],
    ['a missing anchor', '[a](operations.md#nowhere)'],
    ['a missing anchor of the page itself', '[a](#nowhere)'],
  ])('finds %s', (_, text) => {
    expect(deadLinksOf(page(text))).toHaveLength(1);
  });

  it('accepts files, headings and addresses', () => {
    const text = '# A `code` heading, here\n\n[a](glossary.md) [b](#a-code-heading-here) [c](https://example.com/#x)';
    expect(deadLinksOf({ ...page(text), path: 'docs/README.md' })).toEqual(['#a-code-heading-here']);
    expect([...anchorsOf(page(text))]).toEqual(['a-code-heading-here']);
  });

  it('finds files that are gone', () => {
    expect(missingFilesOf(page('`lambdas/ports.ts` and `lambdas/gone.ts`'))).toEqual(['lambdas/gone.ts']);
  });
});
