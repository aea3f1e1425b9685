import { plainText } from '../plain-text.ts';
import type { StrayPlace } from './stray-places.ts';
import { maxCounted, meantPrefix } from './stray-places.ts';

const maxKeyCharacters = 300;

/**
 * `2 objects under trafic/, the newest trafic/night.csv: did you mean traffic/?`
 * @param lanePrefixes where files are taken
 */
export function strayText({ prefix, objects, newestKey }: StrayPlace, lanePrefixes: readonly string[]): string {
  const count = `${objects >= maxCounted ? 'at least ' : ''}${objects.toLocaleString('en-US')}`;
  const where = prefix === '' ? "in the bucket's root" : `under ${plainText(prefix, maxKeyCharacters)}`;
  const meant = meantPrefix(prefix, lanePrefixes);
  const hint = meant === undefined ? `files are taken under ${lanePrefixes.join(', ')}` : `did you mean ${meant}?`;
  const newest = plainText(newestKey, maxKeyCharacters);
  return `${count} ${objects === 1 ? 'object' : 'objects'} ${where}${objects === 1 ? ':' : ', the newest'} ${newest}: ${hint}`;
}
