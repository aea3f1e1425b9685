import type { Facts } from '../facts.ts';
import type { Headline } from '../snapshot.ts';

export function settingsHeadlines({ settingsTrouble: why, feeds }: Facts): Headline[] {
  if (why === undefined) return [];
  const text = `The stack's settings cannot be read, so limits and deadlines may be out of date: ${why}`;
  return [{ kind: 'settings', tone: 'warning', text, feeds: [...feeds], file_id: null }];
}
