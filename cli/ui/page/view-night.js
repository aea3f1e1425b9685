/** @import { ShownNight } from '../night-history.ts' */
/** @import { Place } from './router.js' */
import { read } from './api.js';
import { element, link, named, setText, table, viewHead } from './dom.js';
import { formatClock, formatCount } from './format.js';
import { addressOf, fileAddress } from './router.js';
import { tones } from './view-nights.js';

/**
 * One night: the answer first, then what was expected, each file, and what changed in earlier nights. An entry never
 * changes, so it is shown once.
 * @param {HTMLElement} root
 * @param {Place} place
 * @param {AbortSignal} signal
 */
export function openNightView(root, { path: [feed = '', number = ''] }, signal) {
  const { head, heading } = viewHead(`Night ${number} of ${feed}`, link(addressOf(['nights']), 'Nights'));
  const sentence = element('p', 'lead');
  const details = element('ul', 'plain');
  const lists = element('div');
  root.append(head, sentence, details, lists);
  let isShown = false;
  return {
    title: `Night ${number} of ${feed}`,
    everyMs: 600_000,
    read: async () => {
      if (isShown) return;
      const night = /** @type {ShownNight} */ (await read('/api/night', { feed, number }, signal));
      isShown = true;
      setText(heading, `${feed}, ${night.date}: ${night.word}`);
      setText(sentence, night.sentence);
      sentence.className = `lead ${tones[night.verdict]}`;
      details.replaceChildren(...night.details.map((detail) => element('li', '', detail)));
      lists.replaceChildren(...listsOf(night));
      return `${feed}, night ${number}`;
    },
  };
}

/** @param {ShownNight} night */
function listsOf(night) {
  const hash = element('p', 'quiet', 'SHA-256 of the entry: ', element('code', 'raw', night.hash));
  const more = element('p', 'quiet', `${formatCount(night.more)} more files: the entry in the archive has all.`);
  return [
    ...expectedList(night),
    ...fileList('Files that arrived', night.received, night.zone, () => ''),
    ...fileList('What changed in earlier nights', night.earlier, night.zone, ({ entry }) =>
      entry === 0 ? 'before the log' : `night ${formatCount(entry ?? 0)}`,
    ),
    ...(night.more > 0 ? [more] : []),
    hash,
  ];
}

/** @param {ShownNight} night */
function expectedList({ expected, zone }) {
  if (expected.length === 0) return [];
  const { made, body } = table('Expected files', [
    { title: 'Expected' },
    { title: 'By' },
    { title: 'State' },
    { title: 'File' },
  ]);
  for (const { name, key, by, state, file_id: id, obstacle, word } of expected) {
    const head = named('Expected', element('th', '', name, element('span', 'below', key)));
    head.setAttribute('scope', 'row');
    const tone = obstacle !== null ? 'alarm' : state === 'met' ? '' : state === 'late' ? 'warning' : 'alarm';
    const file = id === null ? element('span', 'quiet', '–') : link(fileAddress(id), id);
    body.append(
      element(
        'tr',
        '',
        head,
        named('By', element('td', '', formatClock(by, zone).slice(0, 5))),
        named('State', element('td', tone, word)),
        named('File', element('td', '', file)),
      ),
    );
  }
  return [element('h2', '', 'Expected files'), made];
}

/**
 * @param {string} title
 * @param {readonly (ShownNight['received'][number] & { entry?: number })[]} files
 * @param {string} zone
 * @param {(file: { entry?: number }) => string} about
 */
function fileList(title, files, zone, about) {
  if (files.length === 0) return [];
  const { made, body } = table(title, [
    { title: 'File' },
    { title: 'State' },
    { title: 'Records', className: 'number' },
    { title: 'Dead', className: 'number' },
    { title: 'Finished' },
  ]);
  for (const file of files) {
    const { file_id: id, counts, finished, failure_code: code } = file;
    const isOpen = file.state === 'splitting' || file.state === 'split';
    const name = file.bundled_files === null ? file.key : `${formatCount(file.bundled_files)} small files`;
    const below = [about(file), id].filter((text) => text !== '').join(' · ');
    const head = named('File', element('th', '', link(fileAddress(id), name), element('span', 'below', below)));
    head.setAttribute('scope', 'row');
    const dead = counts?.dead_lettered_records ?? 0;
    const state = isOpen ? 'NOT FINISHED' : `${file.state}${code === null ? '' : `: ${code}`}`;
    const tone = isOpen || file.state === 'failed' || file.state === 'quarantined' ? 'alarm' : '';
    body.append(
      element(
        'tr',
        '',
        head,
        named('State', element('td', tone, state)),
        named('Records', element('td', 'number', counts ? formatCount(counts.total_records) : '–')),
        named('Dead', element('td', dead > 0 ? 'number warning' : 'number quiet', counts ? formatCount(dead) : '–')),
        named('Finished', element('td', 'quiet', finished === null ? '–' : formatClock(finished, zone).slice(0, 5))),
      ),
    );
  }
  return [element('h2', '', title), made];
}
