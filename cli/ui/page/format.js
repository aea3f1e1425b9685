/** @param {number} count */
export const formatCount = (count) => Math.round(count).toLocaleString('en-US');

/**
 * @param {number} count
 * @param {string} noun
 */
export const formatCountOf = (count, noun) => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

/**
 * Never 100% before nothing is left.
 * @param {number} share
 */
export const formatShare = (share) => `${share >= 1 ? 100 : Math.min(99, Math.floor(share * 100))}%`;

/** @param {number} perSecond */
export function formatRate(perSecond) {
  const text = perSecond < 100 ? perSecond.toFixed(1).replace(/\.0$/, '') : formatCount(perSecond);
  return `${text}/s`;
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/**
 * `03:12:05`, in the snapshot's time zone.
 * @param {string} iso
 * @param {string} zone
 */
export const formatClock = (iso, zone) =>
  new Date(iso).toLocaleTimeString('en-GB', { timeZone: zone, hourCycle: 'h23' });

/**
 * `03:12 (5 min ago)`, `24 Nov 23:40 (in 2 h)`: the time, with its day if that is not today, and its distance from now.
 * @param {string} iso
 * @param {{ at: string, zone: string }} snapshot
 */
export function formatMoment(iso, { at, zone }) {
  /** @param {string} of */
  const dayOf = (of) => new Date(of).toLocaleDateString('en-GB', { timeZone: zone, day: 'numeric', month: 'short' });
  const day = dayOf(iso) === dayOf(at) ? '' : `${dayOf(iso)} `;
  const seconds = (Date.parse(iso) - Date.parse(at)) / 1000;
  const span = formatSpan(Math.abs(seconds));
  return `${day}${formatClock(iso, zone).slice(0, 5)} (${seconds < 0 ? `${span} ago` : `in ${span}`})`;
}

/** @param {number} seconds */
function formatSpan(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** @param {{ feed: string, lane: string | null }} place */
export function laneOf({ feed, lane }) {
  return lane === 'express' ? `${feed} express` : feed;
}
