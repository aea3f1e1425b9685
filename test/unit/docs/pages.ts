import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../../..');

export interface Page {
  /** Path from the repository's root. */
  path: string;
  text: string;
  /** The text without fenced code. */
  prose: string;
}

/** Every Markdown page of the repository. */
export function readPages(): Page[] {
  return globSync('**/*.md', { cwd: root, exclude: (name) => ['node_modules', 'cdk.out', '.sluice'].includes(name) })
    .sort()
    .map((path) => readPage(path));
}

export function readPage(path: string): Page {
  const text = readFileSync(resolve(root, path), 'utf8');
  return { path, text, prose: text.replaceAll(/^( *)```[^]*?^\1```$/gm, (block) => block.replaceAll(/[^\n]/g, '')) };
}

/** A page's anchors, as GitHub makes them: lower case, spaces to dashes, a number for repeated ones; and those written out. */
export function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of page.prose.matchAll(/^#+ (.+)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replaceAll(/[^\p{L}\p{N}\-_ ]/gu, '').replaceAll(' ', '-');
    let unique = anchor;
    for (let copy = 1; anchors.has(unique); copy++) unique = `${anchor}-${copy}`;
    anchors.add(unique);
  }
  for (const [, id = ''] of page.prose.matchAll(/<a id="([^"]+)">/g)) anchors.add(id);
  return anchors;
}

/** What is wrong with a page's links: files and anchors that aren't there. Addresses on the web are not opened. */
export function deadLinksOf(page: Page): string[] {
  const links = [...page.prose.matchAll(/\]\(<?([^)\s>]+)>?\)/g)].map(([, target = '']) => target);
  return links.filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(page, target));
}

function leadsSomewhere(page: Page, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? resolve(root, page.path) : resolve(root, dirname(page.path), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(readPage(relative(root, file))).has(anchor);
}

/** Files of the repository that a page names in code spans and that aren't there. */
export function missingFilesOf(page: Page): string[] {
  const spans = [...page.prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
  const paths = spans.filter((span) => /^(cdk|cli|docs|feeds|lambdas|localstack|test)\/[\w./-]+\.\w+$/.test(span));
  return paths.filter((path) => !existsSync(resolve(root, path)));
}
