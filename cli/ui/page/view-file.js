/** @import { ChangesPage } from '../changes-page.ts' */
/** @import { DeadPage } from '../dead-page.ts' */
/** @import { FilePage } from '../file-page.ts' */
/** @import { ClosedFile, LiveFile } from '../../live/snapshot.ts' */
/** @import { Place } from './router.js' */
import { pathOf, read } from './api.js';
import { ask } from './ask.js';
import { controlOf, done, pauseFeed, resumeFeed } from './controls.js';
import { changeRows } from './change-rows.js';
import { deadRows } from './dead-rows.js';
import { decisionForm } from './decision-form.js';
import {
  button,
  element,
  keepChildren,
  link,
  part,
  partOf,
  progressBar,
  section,
  setClass,
  setText,
  showBar,
  showPairs,
  viewHead,
} from './dom.js';
import { formatBytes, formatCount, formatMoment, formatShare } from './format.js';
import { addressOf } from './router.js';
import { momentOf } from './state.js';
import { savedList } from './view-changes.js';

const outcomes = /** @type {const} */ ([
  ['uploaded', 'accepted'],
  ['duplicate', 'the API already had them'],
  ['unchanged', 'as in the revision before: not sent again'],
  ['rejected', 'dead letters: not valid, never sent'],
  ['refused', 'dead letters: not accepted by the API'],
  ['exhausted', 'dead letters: every try failed'],
  ['held', 'not sent'],
]);

/** How many dead letters, and how many changed records, the file's page shows itself. */
const shownDead = 10;
const shownChanges = 10;

/**
 * One file: its verdict, its counts, what happened, its dead letters and its documents.
 * @param {HTMLElement} root
 * @param {Place} place
 * @param {AbortSignal} signal
 */
export function openFileView(root, { path: [fileId = ''] }, signal) {
  const { head, heading } = viewHead('Loading…', link('#/files', 'Files'));
  const verdict = part('verdict', element('p', 'lead'));
  const cancel = button('Cancel this file…', () => cancelFile(fileId, heading.textContent ?? ''));
  const release = button('Release…', () => releaseFile(fileId, heading.textContent ?? ''));
  /** @type {FilePage['release']['without']} */
  let without = null;
  const goOn = button('Go on without the earlier file…', () => goWithout(fileId, heading.textContent ?? '', without));
  const ofFeed = feedButtons();
  setClass(cancel, 'stops');
  cancel.hidden = release.hidden = goOn.hidden = true;
  const actions = element('p', 'actions start', cancel, release, goOn, ...ofFeed.made);
  const meter = progressBar();
  meter.setAttribute('aria-label', 'Progress');
  const counts = part('counts', element('dl', 'figures'));
  const timeline = part('timeline', element('ol', 'timeline'));
  const changes = changesSection(fileId, signal);
  const decision = decisionForm(fileId);
  const dead = deadRows('Dead letters of this file');
  const deadAll = part('dead-all', element('p', 'more'));
  const documents = part('documents', element('ul', 'documents'));
  const facts = part('facts', element('dl', 'facts'));
  root.append(
    head,
    verdict,
    actions,
    meter,
    changes.made,
    decision.made,
    section('Records', counts),
    section('Dead letters', dead.made, deadAll),
    section('What happened', timeline),
    section('Documents', documents),
    section('About the file', facts),
  );
  let lastDead = -1;
  return {
    title: 'File',
    everyMs: 3_000,
    read: async () => {
      const page = /** @type {FilePage} */ (await read('/api/file', { id: fileId }, signal));
      const { file } = page;
      setText(heading, file.name);
      showVerdict(root, page);
      cancel.hidden = !page.is_cancellable;
      const { held } = page.release;
      // A held revision has a form of its own, as its answer must be chosen.
      release.hidden = held === null || held.choices.length > 0;
      without = page.release.without;
      goOn.hidden = without === null || held !== null;
      ofFeed.show(file.feed, page.is_cancellable);
      showCounts(counts, file);
      keepChildren(timeline, page.timeline, ({ at, text }) => `${at} ${text}`, createEvent, updateEvent);
      showDocuments(documents, page);
      showPairs(facts, page.facts);
      decision.show(page);
      await changes.show(page);
      // The letters are read again only when their number has changed.
      if (lastDead !== file.dead_lettered_records) {
        const found = /** @type {DeadPage} */ (
          await read('/api/dead', { feed: file.feed, file: file.file_id }, signal)
        );
        dead.show(found.entries.slice(0, shownDead));
        showAllDead(deadAll, found, file.file_id);
        lastDead = file.dead_lettered_records;
      }
      return file.name;
    },
  };
}

/**
 * What a revision changes: the first records, and where to find the others. While a person must decide about it, also the
 * first of those that it removes, wherever they are in the list.
 * @param {string} fileId
 * @param {AbortSignal} signal
 */
function changesSection(fileId, signal) {
  const counts = part('changes', element('p'));
  const rows = changeRows('What it changes');
  const removedTitle = element('h3', '', 'Removed records');
  const removed = changeRows('Removed records');
  const all = part('changes-all', element('p', 'more'));
  const made = section('What it changes', counts, rows.made, removedTitle, removed.made, all);
  made.hidden = true;
  let last = '';
  /** @param {'removed' | undefined} only */
  const firstRows = (only) =>
    /** @type {Promise<ChangesPage>} */ (read('/api/changes', { file: fileId, size: shownChanges, only }, signal));
  return {
    made,
    /** @param {FilePage} page */
    show: async ({ changes, changes_listed: isListed, release: { held } }) => {
      const isHeld = held !== null && held.choices.length > 0;
      made.hidden = changes === null;
      setText(counts, `${changes ?? ''}.`);
      // Read again only when a released file was compared again, or when it has to be decided about.
      const now = `${changes} ${isHeld}`;
      if (!isListed || changes === null || last === now) return;
      const found = await firstRows(undefined);
      rows.show(found.rows);
      const areAllShown = found.matching <= found.rows.length;
      const gone = !isHeld || areAllShown ? [] : (await firstRows('removed')).rows;
      removedTitle.hidden = gone.length === 0;
      removed.show(gone);
      const text = `Show all ${formatCount(found.matching)}`;
      const more = areAllShown ? [] : [link(addressOf(['changes', fileId]), text), ' · '];
      all.replaceChildren(...more, savedList(fileId));
      last = now;
    },
  };
}

/** Pauses the file's feed, or lets it go on. */
function feedButtons() {
  let feed = '';
  /** @param {(control: import('../feed-controls.ts').FeedControl) => unknown} act */
  const withControl = (act) => () => {
    const control = controlOf(feed);
    if (control) act(control);
  };
  const pause = button('', withControl(pauseFeed));
  const resume = button('', withControl(resumeFeed));
  setClass(pause, 'stops');
  pause.hidden = resume.hidden = true;
  return {
    made: [pause, resume],
    /**
     * @param {string} name
     * @param {boolean} isInProgress
     */
    show: (name, isInProgress) => {
      feed = name;
      const control = controlOf(feed);
      setText(pause, `Pause ${feed}…`);
      setText(resume, `Resume ${feed}…`);
      pause.hidden = !isInProgress || control?.paused !== null;
      resume.hidden = !isInProgress || !control || control.paused === null;
    },
  };
}

/**
 * @param {HTMLElement} root
 * @param {FilePage} page
 */
function showVerdict(root, { file, verdict }) {
  setText(partOf(root, 'verdict'), verdict.text);
  setClass(partOf(root, 'verdict'), `lead ${verdict.tone}`);
  const bar = partOf(root, 'bar');
  const isOpen = 'activity' in file;
  bar.hidden = !isOpen;
  if (!isOpen) return;
  const share = file.activity === 'checksum' ? file.checksum_share : file.settled_share;
  bar.setAttribute('aria-valuenow', String(Math.floor((share ?? 0) * 100)));
  bar.setAttribute('aria-valuetext', share === null ? file.activity : `${file.activity} ${formatShare(share)}`);
  showBar(root, file);
}

/**
 * @param {HTMLElement} list
 * @param {LiveFile | ClosedFile} file
 */
function showCounts(list, file) {
  const total = file.total_records ?? file.expected_records;
  /** @type {[string, string, string][]} */
  const rows = outcomes.flatMap(([outcome, meaning]) => {
    const count = file[`${outcome}_records`];
    return count === 0 && outcome !== 'uploaded' ? [] : [[outcome, formatCount(count), meaning]];
  });
  if (file.resolved_records > 0)
    rows.push(['resolved', formatCount(file.resolved_records), 'dead letters before, accepted since']);
  const ended = file.settled_records;
  if ('activity' in file && total !== null && total > ended)
    rows.push(['to come', formatCount(total - ended), 'not accepted or rejected yet']);
  const about = file.total_records === null ? 'about, by its size so far' : 'in the file';
  rows.push(['records', total === null ? '?' : formatCount(total), about]);
  rows.push(['size', formatBytes(file.bytes), '']);
  keepChildren(
    list,
    rows,
    ([name]) => name,
    ([name]) =>
      element(
        'div',
        name === 'records' ? 'sum' : '',
        element('dt', '', name),
        part('count', element('dd', 'number')),
        part('note', element('dd', 'quiet')),
      ),
    (row, [, count, note]) => {
      setText(partOf(row, 'count'), count);
      setText(partOf(row, 'note'), note);
    },
  );
}

function createEvent() {
  return element('li', '', part('at', element('time', 'quiet')), ' ', part('text', element('span')));
}

/**
 * @param {HTMLElement} row
 * @param {FilePage['timeline'][number]} event
 */
function updateEvent(row, { at, text, tone }) {
  setText(partOf(row, 'at'), formatMoment(at, momentOf()));
  partOf(row, 'at').setAttribute('datetime', at);
  setText(partOf(row, 'text'), text);
  setClass(partOf(row, 'text'), tone);
}

/**
 * @param {HTMLElement} list
 * @param {FilePage} page
 */
function showDocuments(list, { file, documents, manifests }) {
  const id = file.file_id;
  /** @type {{ key: string, title: string, href: string, opens: boolean }[]} */
  const links = documents.flatMap(({ kind, title }) => {
    const href = pathOf('/api/document', { file: id, kind });
    const saved = { key: kind, title, href, opens: false };
    if (kind !== 'report') return [saved];
    return [
      { key: 'shown', title: 'Report', href: pathOf('/api/document', { file: id, kind, show: 1 }), opens: true },
      { ...saved, title: 'Report, as a file' },
    ];
  });
  for (let number = manifests - 1; number >= 1; number--)
    links.push({
      key: `m${number}`,
      title: `Manifest ${number}, before it was amended`,
      href: pathOf('/api/document', { file: id, kind: 'manifest', number }),
      opens: false,
    });
  keepChildren(
    list,
    links,
    ({ key, href }) => `${key} ${href}`,
    ({ title, href, opens }) => {
      const made = link(href, title);
      if (opens) {
        made.target = '_blank';
        made.rel = 'noopener';
      } else made.download = '';
      return element('li', '', made, opens ? ' (opens in a new tab)' : '');
    },
    () => undefined,
  );
  list.dataset['empty'] =
    links.length === 0 ? 'The manifest and the report are written when every record is accounted for.' : '';
}

/**
 * @param {HTMLElement} target
 * @param {DeadPage} found
 * @param {string} fileId
 */
function showAllDead(target, { feed, matching }, fileId) {
  if (matching === 0) return target.replaceChildren('No dead letter of it needs attention.');
  const all = link(
    addressOf(['dead'], { feed, file: fileId }),
    matching === 1 ? 'Show it with what can be done' : `Show all ${formatCount(matching)}, with what can be done`,
  );
  target.replaceChildren(all);
}

/**
 * @param {string} file
 * @param {string} name
 */
function cancelFile(file, name) {
  return ask({
    title: `Cancel ${name}?`,
    text: [
      'Within 30 seconds nothing more of it is sent. What was sent stays sent; the other records are held, and can be ' +
        'released later. The account says who stopped it and why.',
    ],
    fields: [{ name: 'why', label: 'Why it is stopped', kind: 'reason', hint: 'Kept in the account, with your name.' }],
    confirm: 'Cancel the file',
    stops: true,
    act: ({ why }) => done('/api/cancel', { file, why }),
  });
}

/**
 * @param {string} file
 * @param {string} name
 */
function releaseFile(file, name) {
  return ask({
    title: `Release ${name}?`,
    text: [
      'The held records, and only those, are sent within the limit. A file that waits for its control file is sent without it.',
    ],
    fields: [
      { name: 'why', label: 'Why it is to be sent', kind: 'reason', hint: 'Kept in the account, with your name.' },
    ],
    confirm: 'Release',
    act: ({ why }) => done('/api/release', { file, why }),
  });
}

/**
 * @param {string} file
 * @param {string} name
 * @param {FilePage['release']['without']} without
 */
function goWithout(file, name, without) {
  if (without === null) return;
  const { earlier, sent, then } = without;
  return ask({
    title: `Let ${name} go on without ${earlier}?`,
    text: [sent, then],
    fields: [
      {
        name: 'why',
        label: 'Why it does not wait any longer',
        kind: 'reason',
        hint: 'Kept in the accounts of both files, with your name.',
      },
    ],
    confirm: 'Go on without it',
    stops: true,
    act: ({ why }) => done('/api/release', { file, without: earlier, why }),
  });
}
