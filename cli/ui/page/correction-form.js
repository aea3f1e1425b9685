/** @import { RecordPage } from '../record-page.ts' */
/** @import { RowCheck } from '../correction-preview.ts' */
import { faultOf, send } from './api.js';
import { ask } from './ask.js';
import { button, element, labelled, setText, section } from './dom.js';
import { formatCountOf } from './format.js';

/** After the last key. Milliseconds. */
const checkAfterMs = 400;

/**
 * The record's fields, to be corrected. Each change is checked by the server as the functions check a record.
 * @param {string} file
 * @param {number} record
 * @param {AbortSignal} signal
 */
export function correctionForm(file, record, signal) {
  const grid = element('div', 'fields');
  const verdict = element('p', 'check');
  verdict.setAttribute('role', 'status');
  const note = element('p', 'quiet');
  const submit = button('Send the correction…', () => void confirm());
  const reset = button('Undo changes', () => {
    for (const each of controls()) each.value = each.defaultValue;
    void check();
  });
  const made = section('Correct it here', note, grid, verdict, element('p', 'actions start', submit, reset));
  made.hidden = true;
  let shown = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {RowCheck & { cells: Record<string, string> } | undefined} */
  let checked;
  let mayBeNew = false;
  /** Of what was typed last: an answer to an earlier check says nothing of it. */
  let newest = 0;
  const controls = () => /** @type {HTMLTextAreaElement[]} */ ([...grid.querySelectorAll('textarea')]);
  const cells = () => Object.fromEntries(controls().map(({ name, value }) => [name, value]));
  const allow = (/** @type {boolean} */ may) => submit.setAttribute('aria-disabled', String(!may));
  allow(false);

  function forget() {
    checked = undefined;
    allow(false);
    return ++newest;
  }

  async function check() {
    const own = forget();
    if (controls().every(({ value, defaultValue }) => value === defaultValue)) return setText(verdict, '');
    const asked = cells();
    try {
      const found = /** @type {RowCheck} */ (await send('/api/record/check', { file, record, cells: asked }, signal));
      if (own !== newest) return;
      checked = { ...found, cells: asked };
      const changed = found.changes.map(({ column }) => column).join(', ');
      if (found.changes.length === 0) setText(verdict, 'Nothing is changed.');
      else if (found.fault !== null) setText(verdict, `Not valid yet: ${found.fault}.`);
      else setText(verdict, `Valid. ${formatCountOf(found.changes.length, 'field')} changed: ${changed}.`);
      verdict.className = found.fault !== null ? 'check warning' : 'check';
      allow(found.changes.length > 0 && found.fault === null);
    } catch (error) {
      if (!signal.aborted && own === newest) setText(verdict, faultOf(error));
    }
  }

  async function confirm() {
    if (!checked) return;
    const { changes, cells: shownCells } = checked;
    const lines = changes.map(
      ({ column, before, after }) =>
        `${column}: ${before === null || before === '' ? '(none)' : `“${before}”`} becomes “${after}”.`,
    );
    await ask({
      title: 'Send this correction?',
      text: [
        'The corrected row is sent to the API in place of the record, within its limit:',
        ...lines,
        'The account keeps it, with your name and the reason, and is amended.',
      ],
      fields: [
        { name: 'why', label: 'What was corrected, and why', kind: 'reason' },
        ...(mayBeNew ? [isNewField] : []),
      ],
      confirm: 'Send',
      act: ({ why, isNew }) => {
        const asNew = isNew ? { as_new: true } : {};
        return send('/api/record/correct', { file, record, cells: shownCells, why, ...asNew });
      },
    });
  }

  grid.addEventListener('input', () => {
    clearTimeout(timer);
    forget();
    timer = setTimeout(() => void check(), checkAfterMs);
  });
  return {
    made,
    /** @param {RecordPage} page */
    show: ({ fields, is_unreadable: isUnreadable, may_be_new: isMaybeNew, record: dead }) => {
      mayBeNew = isMaybeNew;
      made.hidden = fields === null || dead.letter_id === null;
      const now = JSON.stringify(fields);
      // What is being typed stays, until the record itself is another.
      if (fields === null || now === shown) return;
      shown = now;
      setText(note, isUnreadable ? 'Its row could not be read: fill in all fields.' : '');
      grid.replaceChildren(...fields.map(fieldElement));
    },
  };
}

/** As `dlq reingest --as-new`. */
const isNewField = /** @type {const} */ ({
  name: 'isNew',
  label: 'I have looked: the API has no earlier version of this row. Send it as a new record.',
  kind: 'check',
});

/** @param {{ name: string, value: string, is_at_fault: boolean }} field */
function fieldElement({ name, value, is_at_fault: isAtFault }) {
  // Not an input: it would remove line breaks.
  const control = /** @type {HTMLTextAreaElement} */ (element('textarea'));
  control.name = name;
  control.rows = Math.min(6, value.split('\n').length);
  control.spellcheck = false;
  control.defaultValue = value;
  if (isAtFault) control.setAttribute('aria-invalid', 'true');
  return labelled(isAtFault ? `${name} (at fault)` : name, control);
}
