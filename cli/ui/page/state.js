/** @import { Snapshot } from '../../live/snapshot.ts' */
/** @import { RoomState } from '../room-state.ts' */

/** @type {(RoomState & { snapshot: Snapshot }) | undefined} */
let newest;

/** The stack's state as it was read last; undefined until it is known. */
export const knownState = () => newest;

/** @param {RoomState & { snapshot: Snapshot }} state */
export function keepState(state) {
  newest = state;
}

/** Now and the time zone of every time on the page. */
export const momentOf = () => ({
  at: newest?.snapshot.at ?? new Date().toISOString(),
  zone: newest?.snapshot.zone ?? 'UTC',
});
