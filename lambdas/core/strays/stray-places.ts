/**
 * Objects in the intake bucket that no lane takes: under a prefix that no lane has, or under none. S3 announces nothing
 * for them, so no function would ever see them.
 */

/** A place in the bucket with such objects. */
export interface StrayPlace {
  /** A prefix that ends in a slash; empty for the bucket's root. */
  prefix: string;
  /** At most `maxCounted`. */
  objects: number;
  /** The newest of them. */
  newestKey: string;
  /** Milliseconds since 1970. */
  newestAt: number;
}

/** An object or a folder of a listing. */
export interface ListedObject {
  key: string;
  sizeBytes: number;
  modifiedAt: number;
}

/** Objects that are counted per place; and places that are reported. */
export const maxCounted = 1_000;
export const maxPlaces = 50;

/** The places in which lanes' prefixes lie: the root, and `express/` of `express/traffic/`. */
export function parentsOf(lanePrefixes: readonly string[]): string[] {
  const parents = lanePrefixes.flatMap((prefix) => {
    const parts = prefix.split('/').slice(0, -2);
    return ['', ...parts.map((_, depth) => `${parts.slice(0, depth + 1).join('/')}/`)];
  });
  return [...new Set(parents)];
}

/** The prefixes of a listing that belong to no lane. */
export function strayPrefixes(listed: readonly string[], lanePrefixes: readonly string[]): string[] {
  const parents = parentsOf(lanePrefixes);
  // A lane's prefix may end in the middle of a name.
  return listed.filter(
    (prefix) => !parents.includes(prefix) && !lanePrefixes.some((lane) => prefix.startsWith(lane) || lane === prefix),
  );
}

/** Lanes that were switched off, by prefix: since when that is known. Milliseconds since 1970. */
export type FormerLanes = Readonly<Record<string, number>>;

/** @param before as it was noted at the last run */
export function formerLanes(
  before: { lanePrefixes: readonly string[]; former?: FormerLanes } | undefined,
  lanePrefixes: readonly string[],
  now: number,
): FormerLanes {
  const known = [
    ...Object.entries(before?.former ?? {}),
    ...(before?.lanePrefixes ?? []).map((lane) => [lane, now] as const),
  ];
  return Object.fromEntries(known.filter(([lane]) => !lanePrefixes.includes(lane)));
}

/** A lane took it, before the lane was switched off. */
function wasTaken({ key, modifiedAt }: ListedObject, former: FormerLanes): boolean {
  return Object.entries(former).some(([lane, until]) => key.startsWith(lane) && modifiedAt <= until);
}

/** Undefined if there are only folders that were made in the console, and objects that a lane took when there was one. */
export function placeOf(
  prefix: string,
  objects: readonly ListedObject[],
  former: FormerLanes = {},
): StrayPlace | undefined {
  const files = objects.filter(
    (object) => !(object.key.endsWith('/') && object.sizeBytes === 0) && !wasTaken(object, former),
  );
  const newest = files.toSorted((a, b) => b.modifiedAt - a.modifiedAt)[0];
  return newest && { prefix, objects: files.length, newestKey: newest.key, newestAt: newest.modifiedAt };
}

/** The places that have an object which was not reported yet: each object is reported once. */
export function newStrays(found: readonly StrayPlace[], reported: readonly StrayPlace[]): StrayPlace[] {
  const before = new Map(reported.map((place) => [place.prefix, place]));
  return found.filter(({ prefix, newestAt }) => newestAt > (before.get(prefix)?.newestAt ?? -Infinity));
}

/** More differences than this are another word. */
const maxDistance = 3;

/** The lane's prefix that was meant; undefined if none is near. */
export function meantPrefix(prefix: string, lanePrefixes: readonly string[]): string | undefined {
  if (prefix === '') return undefined;
  const [nearest] = lanePrefixes
    .map((lane) => ({ lane, distance: editDistance(prefix.toLowerCase(), lane.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return nearest && nearest.distance <= maxDistance && nearest.distance < prefix.length / 2 ? nearest.lane : undefined;
}

/** Levenshtein's: insertions, deletions and replacements. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[line - 1] === to[column - 1];
      const replaced = (row[column - 1] ?? 0) + (isSame ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
