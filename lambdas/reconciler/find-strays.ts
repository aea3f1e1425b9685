import { isDeepStrictEqual } from 'node:util';
import type { FormerLanes, ListedObject, StrayPlace } from '../core/strays/stray-places.ts';
import { formerLanes, maxPlaces, newStrays, parentsOf, placeOf, strayPrefixes } from '../core/strays/stray-places.ts';
import { strayText } from '../core/strays/stray-text.ts';
import { sluiceOf } from '../core/notices/mail-lines.ts';
import type { AuditLog, Clock, Desk, DeskLedger, IntakeListing, Metrics } from '../ports.ts';

export interface FindStraysPorts {
  ledger: Pick<DeskLedger, 'getStrays' | 'saveStrays'>;
  /** Set for one feed of the stack, whose reconciler looks after the whole bucket. */
  strays?: { listing: IntakeListing; lanePrefixes: readonly string[]; bucket: string } | undefined;
  desk: Desk;
  stackName: string;
  metricsOf: (feed: string) => Metrics;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
}

/** Pages of 1,000 names per place in which lanes lie. */
const maxPages = 10;

/**
 * Reports objects that no lane takes, each once. The message first, then the note that it was sent: a run that dies
 * between the two notifies twice rather than never.
 */
export async function findStrays(feed: string, ports: FindStraysPorts): Promise<void> {
  const { ledger, strays, desk, metricsOf, clock, log, stackName } = ports;
  if (!strays) return;
  const { lanePrefixes, bucket } = strays;
  const note = await ledger.getStrays(feed);
  // Files stay where they were dropped: those of a lane that is switched off now were sent.
  const former = formerLanes(note, lanePrefixes, clock.now());
  const found = await placesIn(strays, former);
  const before = note?.places ?? [];
  const news = newStrays(found, before);
  if (news.length > 0) {
    const metrics = metricsOf(feed);
    metrics.add('UnclaimedObjects', news.length);
    metrics.flush();
    const lines = news.map((place) => `- ${strayText(place, lanePrefixes)}`);
    for (const { prefix, objects, newestKey } of news) {
      log.warn('objects that no feed takes', { prefix, objects, newest_key: newestKey });
    }
    await desk.notify(
      `Sluice ${stackName}: objects were dropped where no feed takes them`,
      [
        `Nothing happens to these objects of the bucket ${bucket}:`,
        ...lines,
        '',
        'What to do:',
        `- Drop each file again under its feed's prefix: ${lanePrefixes.join(', ')}`,
        `- Delete the misplaced objects. They are listed by  ${sluiceOf(stackName)} status  until then.`,
        '',
      ].join('\n'),
    );
  }
  const seen = { places: found, lanePrefixes: [...lanePrefixes], former };
  if (!isDeepStrictEqual({ ...seen, at: note?.at }, note)) await ledger.saveStrays(feed, { ...seen, at: clock.now() });
}

async function placesIn(
  { listing, lanePrefixes }: NonNullable<FindStraysPorts['strays']>,
  former: FormerLanes,
): Promise<StrayPlace[]> {
  const places: StrayPlace[] = [];
  for (const parent of parentsOf(lanePrefixes)) {
    const { objects, prefixes } = await listAll(parent, listing);
    const own = placeOf(parent, objects, former);
    if (own) places.push(own);
    for (const prefix of strayPrefixes(prefixes, lanePrefixes)) {
      if (places.length >= maxPlaces) return places;
      const place = placeOf(prefix, (await listing.list(prefix)).objects, former);
      if (place) places.push(place);
    }
  }
  return places;
}

/** What lies directly there. */
async function listAll(
  parent: string,
  listing: IntakeListing,
): Promise<{ objects: ListedObject[]; prefixes: string[] }> {
  const all = { objects: [] as ListedObject[], prefixes: [] as string[] };
  let next: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const { objects, prefixes, next: following } = await listing.list(parent, { delimiter: '/', next });
    all.objects.push(...objects);
    all.prefixes.push(...prefixes);
    next = following;
    if (next === undefined) break;
  }
  return all;
}
