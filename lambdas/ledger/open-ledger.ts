import type { Clock, ItemStore, Ledger } from '../ports.ts';
import { batchLedger } from './batch-ledger.ts';
import { bundleLedger } from './bundle-ledger.ts';
import { controlLedger } from './control-ledger.ts';
import { deadLedger } from './dead-ledger.ts';
import { deskLedger } from './desk-ledger.ts';
import { fileLedger } from './file-ledger.ts';
import { nightLedger } from './night-ledger.ts';
import { seriesLedger } from './series-ledger.ts';

/** The whole account in one table. core/ledger/ has all its changes, with their conditions. */
export function openLedger(store: ItemStore, clock: Pick<Clock, 'now'>): Ledger {
  return {
    ...fileLedger(store, clock),
    ...bundleLedger(store, clock),
    ...batchLedger(store, clock),
    ...deadLedger(store, clock),
    ...deskLedger(store, clock),
    ...seriesLedger(store, clock),
    ...nightLedger(store),
    ...controlLedger(store, clock),
  };
}
