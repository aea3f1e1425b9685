import type { SeriesAccount } from '../core/ledger/series-changes.ts';
import * as changes from '../core/ledger/series-changes.ts';
import { seriesKey } from '../core/ledger/ledger-keys.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import type { Clock, ItemStore, SeriesLedger } from '../ports.ts';

/** The account of series: which files are revisions of each other, in the order in which they came. */
export function seriesLedger(store: ItemStore, clock: Pick<Clock, 'now'>): SeriesLedger {
  return {
    async enterSeries(seriesId, revision) {
      const key = seriesKey(seriesId);
      for (;;) {
        const item = await store.read(key);
        const series = item && withoutKeys<SeriesAccount>(item);
        const known = series?.revisions ?? [];
        const own = known.findIndex(({ fileId }) => fileId === revision.fileId);
        // Entered before: the splitter was killed, or its message arrived twice.
        if (own >= 0) return known.slice(0, own);
        const { kind } = await store.update(key, changes.enterSeries(seriesId, series, revision, clock.now()));
        // The write may also have been its own, with the answer lost: it is found above.
        if (kind === 'changed') return known;
      }
    },
  };
}
