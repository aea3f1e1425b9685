/** @import { RecordPage } from '../record-page.ts' */
/** @import { Place } from './router.js' */
import { read, send } from './api.js';
import { ask } from './ask.js';
import {
  button,
  element,
  keepChildren,
  link,
  part,
  partOf,
  setClass,
  setText,
  showPairs,
  viewHead,
  section,
} from './dom.js';
import { formatCount, formatMoment } from './format.js';
import { correctionForm } from './correction-form.js';
import { addressOf, fileAddress } from './router.js';
import { momentOf } from './state.js';

/**
 * One record: its text in the file, what was sent, every attempt with the API's answer; and for a dead letter, its fields
 * to be corrected.
 * @param {HTMLElement} root
 * @param {Place} place
 * @param {AbortSignal} signal
 */
export function openRecordView(root, { path: [file = '', number = ''] }, signal) {
  const record = Number(number);
  const { head, heading } = viewHead(`Record ${number}`, link(fileAddress(file), 'The file'));
  const verdict = element('p', 'lead');
  const attempts = element('ol', 'timeline');
  const raw = element('pre', 'raw block');
  const rawNote = element('p', 'quiet');
  const sent = element('pre', 'raw block');
  const sentNote = element('p', 'quiet');
  const facts = element('dl', 'facts');
  const form = correctionForm(file, record, signal);
  const resolve = element(
    'p',
    'actions start',
    button('Resolve by hand…', () => resolveByHand(file, record)),
  );
  root.append(
    head,
    verdict,
    form.made,
    resolve,
    section('Attempts and answers', attempts),
    section('In the file', raw, rawNote),
    section('What was sent', sent, sentNote),
    section('About the record', facts),
  );
  return {
    title: `Record ${number}`,
    everyMs: 3_000,
    read: async () => {
      const page = /** @type {RecordPage} */ (await read('/api/record', { file, record }, signal));
      const name = page.record.source_file.slice(page.record.source_file.lastIndexOf('/') + 1);
      setText(heading, `Record ${formatCount(record)} of ${name}`);
      showVerdict(verdict, page);
      form.show(page);
      resolve.hidden = page.kind !== 'dead';
      const events = eventsOf(page);
      keepChildren(attempts, events, ({ key }) => key, createEvent, updateEvent);
      setText(raw, page.raw?.text ?? '');
      raw.hidden = page.raw === null;
      setText(rawNote, page.raw?.note ?? placeNote(page));
      setText(sent, [page.sent?.body ?? '', page.correction_sent ?? ''].filter((text) => text !== '').join('\n\n'));
      sent.hidden = sent.textContent === '';
      setText(sentNote, sentNoteOf(page));
      showPairs(facts, factsOf(page));
      return `Record ${formatCount(record)} of ${name}`;
    },
  };
}

/**
 * @param {HTMLElement} target
 * @param {RecordPage} page
 */
function showVerdict(target, { kind, record }) {
  const { outcome, reason, error, resolution } = record;
  const at = momentOf();
  if (kind === 'dead') setText(target, `Dead letter, ${outcome} (${reason}): ${error}`);
  else if (kind === 'resolved' && resolution) {
    const by = resolution.by === null ? '' : ` by ${resolution.by}: ${resolution.why ?? ''}`;
    const how = resolution.correction_id === null ? resolution.kind : `${resolution.kind}, by a correction`;
    setText(target, `Resolved ${formatMoment(resolution.at, at)}: ${how}${by}`);
  } else setText(target, `${outcome.charAt(0).toUpperCase()}${outcome.slice(1)}.`);
  setClass(target, `lead ${kind === 'dead' ? 'warning' : 'calm'}`);
}

/** @param {RecordPage} page */
function eventsOf({ record, kind }) {
  const { history, correction, resolution } = record;
  /** @type {{ key: string, at: string, text: string, answer: string | null, tone: string }[]} */
  const events = history.map(
    ({ at, outcome, reason, status, error, api_answer: answer, correction_id: by }, index) => ({
      key: `h${index} ${at}`,
      at,
      text: `${by === null ? 'The record' : 'A correction'}: ${outcome}, ${reason}${status === null ? '' : `, HTTP ${status}`}. ${error}`,
      answer,
      tone: 'warning',
    }),
  );
  if (events.length === 0 && record.first_failure !== null) {
    const status = record.http_status === null ? '' : `, HTTP ${record.http_status}`;
    const words =
      kind === 'ended' ? `${record.outcome}${status}` : `${record.outcome}, ${record.reason}${status}. ${record.error}`;
    events.push({
      key: 'first',
      at: record.first_failure,
      text: words,
      answer: record.api_answer,
      tone: kind === 'ended' ? 'calm' : 'warning',
    });
  }
  // An item of an earlier version keeps the answer with the receipt alone.
  const last = events.at(-1);
  if (last && events.every(({ answer }) => answer === null)) last.answer = record.api_answer;
  if (correction) {
    const { id, by, at, changed } = correction;
    events.push({
      key: `c${id}`,
      at,
      text: `Correction sent by ${by}: ${changed.join(', ')} changed.`,
      answer: null,
      tone: 'calm',
    });
  }
  if (resolution)
    events.push({
      key: 'resolved',
      at: resolution.at,
      text: `Resolved: ${resolution.kind}.`,
      answer: null,
      tone: 'calm',
    });
  return events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function createEvent() {
  return element(
    'li',
    '',
    part('at', element('time', 'quiet')),
    element('div', '', part('text', element('span')), part('answer', element('pre', 'raw answer'))),
  );
}

/**
 * @param {HTMLElement} row
 * @param {ReturnType<typeof eventsOf>[number]} event
 */
function updateEvent(row, { at, text, answer, tone }) {
  setText(partOf(row, 'at'), formatMoment(at, momentOf()));
  partOf(row, 'at').setAttribute('datetime', at);
  setText(partOf(row, 'text'), text);
  setClass(partOf(row, 'text'), tone);
  setText(partOf(row, 'answer'), answer === null ? '' : `The API answered: ${answer}`);
  partOf(row, 'answer').hidden = answer === null;
}

/** @param {RecordPage} page */
function placeNote({ record: { line, offset, length } }) {
  if (line === null) return 'Its batch is not settled yet.';
  return `Receipts of accepted records do not repeat their text. It is in line ${formatCount(line)} of the file: ${formatCount(length ?? 0)} bytes from byte ${formatCount(offset ?? 0)} on.`;
}

/** @param {RecordPage} page */
function sentNoteOf({ sent, correction_sent: correction, record }) {
  if (sent && sent.note !== '') return sent.note;
  if (correction !== null && sent?.body) return 'First the record, then its newest correction.';
  if (correction !== null) return 'The newest correction. The record itself was never sent.';
  if (sent) return '';
  return (record.attempts ?? 0) === 0
    ? 'Nothing: no request was made.'
    : 'The archive does not repeat what was sent for it.';
}

/** @param {RecordPage} page */
function factsOf({ record }) {
  const {
    file_id: id,
    feed,
    lane,
    line,
    offset,
    length,
    sha256,
    request_id: request,
    attempts,
    field,
    letter_id: letter,
    message_id: message,
  } = record;
  /** @type {[string, string | Node][]} */
  const facts = [
    ['File', link(fileAddress(id), id)],
    ['Feed, lane', `${feed}, ${lane}`],
  ];
  if (line !== null)
    facts.push([
      'Place',
      `line ${formatCount(line)}, byte ${formatCount(offset ?? 0)}, ${formatCount(length ?? 0)} bytes`,
    ]);
  if (field !== null) facts.push(['Field at fault', field]);
  if (sha256 !== null) facts.push(['SHA-256', sha256]);
  if (request !== null) facts.push(['Request id', request]);
  if (attempts !== null) facts.push(['Requests', `${formatCount(attempts)}, before any redrive`]);
  if (letter !== null) facts.push(['Letter', letter]);
  if (message !== null) facts.push(['SQS message', message]);
  facts.push([
    'Same reason',
    link(addressOf(['dead'], { feed, reason: record.reason }), 'All dead letters with this reason'),
  ]);
  return facts;
}

/**
 * @param {string} file
 * @param {number} record
 */
function resolveByHand(file, record) {
  return ask({
    title: 'Resolve this dead letter by hand?',
    text: [
      'The record counts as handled outside of Sluice, and is not tried again. Nothing is sent. The account says who ' +
        'decided it and why, and is amended.',
    ],
    fields: [{ name: 'why', label: 'What was done about it', kind: 'reason' }],
    confirm: 'Resolve',
    act: ({ why }) => send('/api/record/resolve', { file, record, why }),
  });
}
