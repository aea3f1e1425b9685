import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAuditLog } from '../../../lambdas/runtime/audit-logger.ts';
import { outcomes } from '../../../lambdas/core/account/outcome.ts';
import { readPage, root } from './pages.ts';

const { text } = readPage('docs/log-queries.md');
const queries = [...text.matchAll(/^## (.+)\n[^#]*?```text\n([^]*?)```/gm)].map(([, title = '', query = '']) => ({
  title,
  query,
}));

const sources = globSync('lambdas/**/*.ts', { cwd: root }).map((path) => readFileSync(resolve(root, path), 'utf8'));

/** Words of the query language (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html). */
const language = new Set(
  'fields filter stats sort limit by as in like and or asc desc count sum max min avg bin 1m jsonParse unnest into display'.split(
    ' ',
  ),
);

/** Names of fields in a query: its words outside of quotes that are neither of the language nor given by `as` or `into`. */
function fieldsIn(query: string): string[] {
  const bare = query.replaceAll(/"[^"]*"/g, ' ');
  const named = [...bare.matchAll(/\b(?:as|into) (\w+)/g)].map(([, name = '']) => name);
  const words = bare.match(/[A-Za-z_][\w.]*|\b1m\b/g) ?? [];
  // A field of what was named: `line.records`.
  const fields = words.map((word) => named.reduce((field, name) => field.replace(new RegExp(`^${name}\\.`), ''), word));
  return fields.filter((field) => !language.has(field) && !(named.includes(field) && !isLogged(field)));
}

/** A field that a source names as a key of an object; counts of outcomes have the outcomes' names. */
function isLogged(field: string): boolean {
  if ((outcomes as readonly string[]).includes(field)) return true;
  return sources.some((source) =>
    new RegExp(`\\b(log|logged|detail|correlated)\\b[^;]*\\b${field}\\b *[:,})]`, 's').test(source),
  );
}

/** What the logger itself writes. */
function ownFields(): Record<string, unknown> {
  // Powertools writes past the console otherwise.
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  const written = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  createAuditLog('consumer').error('message failed', { correlation_id: 'f1/2', error: new Error('no route') });
  return JSON.parse(String(written.mock.calls[0]?.[0])) as Record<string, unknown>;
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe.each(queries.map(({ title, query }) => [title, query] as const))('the query “%s”', (_, query) => {
  it('filters by messages that the functions log', () => {
    const messages = [...query.matchAll(/message (?:=|in) (\[[^\]]*\]|"[^"]*")/g)].flatMap(([, list = '']) =>
      [...list.matchAll(/"([^"]*)"/g)].map(([, message = '']) => message),
    );
    expect(messages.filter((message) => !sources.some((source) => source.includes(`'${message}'`)))).toEqual([]);
  });

  it('has only fields that the functions log', () => {
    const own = ownFields();
    const isOwn = (field: string) =>
      field.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], own) !==
      undefined;
    expect(fieldsIn(query).filter((field) => !isOwn(field) && !isLogged(field))).toEqual([]);
  });
});

it('are found on the page, and a field that is not logged is noticed', () => {
  expect(queries.length).toBeGreaterThan(7);
  expect(fieldsIn('filter colour = "red" | stats sum(count) as records by reason')).toContain('colour');
  expect(fieldsIn('unnest line.records into entry | filter entry.colour = "red"')).toContain('colour');
  expect(isLogged('colour')).toBe(false);
});

it('find records in lines that have more fields than CloudWatch discovers', () => {
  const message = 'records accounted for';
  expect(sources.some((source) => source.includes(`'${message}'`))).toBe(true);
  const ofLines = queries.filter(({ query }) => query.includes(`"${message}"`));
  expect(ofLines).toHaveLength(1);
  for (const { query } of ofLines) {
    const bare = query.replaceAll(/"[^"]*"/g, ' ').match(/[@A-Za-z_][\w.]*/g) ?? [];
    const discovered = bare.filter((word) => !language.has(word) && !/^(@|line\b|entry\b)/.test(word));
    expect(discovered).toEqual([]);
  }
});
