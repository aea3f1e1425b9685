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

/** @param {number} seconds */
export function formatAgo(seconds) {
  if (seconds < 90) return 'just now';
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} d ago`;
}

/** @param {{ feed: string, lane: string | null }} place */
export function laneOf({ feed, lane }) {
  return lane === 'express' ? `${feed} express` : feed;
}
