import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { feedFaults } from '../../../feeds/feed-faults.ts';
import { feeds, feedNamed } from '../../../feeds/index.ts';

const root = resolve(import.meta.dirname, '../../..');
const textOf = (path: string) => readFileSync(resolve(root, path), 'utf8');

describe('the guide to adding a feed', () => {
  it('shows the example as it is, in under 60 lines', () => {
    const code = textOf('feeds/telemetry.ts');
    expect(textOf('docs/adding-a-feed.md')).toContain(`\`\`\`ts\n${code}\`\`\``);
    expect(code.trimEnd().split('\n').length).toBeLessThan(60);
  });

  it('names the one line of the registry', () => {
    const declared = /^(export const feeds: readonly RegisteredFeed\[\] = )\[([^\]]*)\];$/m;
    const [, registered, names = ''] = declared.exec(textOf('feeds/index.ts')) ?? [];
    const [, shown, shownNames = ''] = declared.exec(textOf('docs/adding-a-feed.md')) ?? [];
    expect(shown).toBe(registered);
    // The reader's own feeds come after these.
    expect(names.startsWith(shownNames)).toBe(true);
    expect(shownNames).toContain('telemetry');
  });
});

describe('declared feeds', () => {
  it.each(feeds.map((feed) => [feed.name, feed] as const))('%s has nothing that can not work', (_, feed) => {
    expect(feedFaults(feed)).toEqual([]);
  });

  it('have an explanation of what a format is needed for', () => {
    const feed = feeds.find(({ name }) => name === 'maintenance');
    if (!feed) throw new Error('The feed is gone.');
    expect(feedFaults({ ...feed, preamble: true, recordsIn: 'Records' })).toEqual([
      "The feed 'maintenance': preamble is about the lines before a CSV header, so formats must name csv.",
      "The feed 'maintenance': recordsIn names an array within a JSON object, so formats must name json-array.",
    ]);
  });

  it('accept an option as text', () => {
    const row = { Device: 'e', TakenAt: '2026-01-05T06:00:00Z', Celsius: '95' };
    expect(feedNamed('telemetry').schema.safeParse(row).success).toBe(false);
    expect(feedNamed('telemetry', { maxCelsius: '100' }).schema.safeParse(row).data).toMatchObject({ celsius: 95 });
  });

  it('are listed if there is none of that name', () => {
    const names = feeds.map(({ name }) => name).join(', ');
    expect(() => feedNamed('parts')).toThrow(`There is no feed 'parts'. Feeds: ${names}.`);
  });
});
