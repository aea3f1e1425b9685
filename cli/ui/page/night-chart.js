/** @import { ListedNight } from '../night-history.ts' */
import { formatCount } from './format.js';
import { svg } from './svg.js';

const width = 176;
const height = 34;
/** The end of the night, which is the deadline: what is right of it is late. */
const deadlineX = 116;
const timeEnd = 140;

/**
 * A night in small: above, its records against the largest of these nights; below, the time until its last file was done,
 * against the deadline; right, its dead letters.
 * @param {ListedNight} night
 * @param {number} mostRecords
 */
export function nightChart(night, mostRecords) {
  const made = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    ...{ width, height, role: 'img', 'aria-label': wordsOf(night) },
  });
  const { sums, deadline } = night;
  made.append(svg('rect', { class: 'track', x: 0, y: 4, width: timeEnd, height: 10 }));
  const share = mostRecords === 0 ? 0 : sums.total_records / mostRecords;
  made.append(svg('rect', { class: 'rate', x: 0, y: 4, width: share * timeEnd, height: 10 }));
  if (night.files.received > 0) {
    const end = endOf(night);
    const kind = deadline?.met === false ? 'late' : 'time';
    made.append(svg('rect', { class: kind, x: 0, y: 21, width: Math.max(2, end), height: 8 }));
  }
  if (deadline) made.append(svg('line', { class: 'limit', x1: deadlineX, x2: deadlineX, y1: 18, y2: 32 }));
  const dead = sums.dead_lettered_records;
  const radius = dead === 0 ? 2 : Math.min(14, 4 + 2 * Math.log10(dead + 1));
  made.append(svg('circle', { class: dead === 0 ? 'track' : 'late', cx: width - 16, cy: height / 2, r: radius }));
  return made;
}

/** Where the last file's end is; beyond the deadline as far as there is room. @param {ListedNight} night */
function endOf({ from, to, finished }) {
  if (finished === null) return timeEnd;
  const share = (Date.parse(finished) - Date.parse(from)) / (Date.parse(to) - Date.parse(from));
  return Math.min(timeEnd, Math.max(0, share) * deadlineX);
}

/** @param {ListedNight} night */
function wordsOf({ sums, deadline, margin, files }) {
  const done = files.unfinished > 0 ? `${formatCount(files.unfinished)} files not finished` : 'all finished';
  const time = deadline ? `deadline ${margin === '-' ? 'without files' : margin}` : done;
  return `${formatCount(sums.total_records)} records, ${time}, ${formatCount(sums.dead_lettered_records)} dead letters`;
}
