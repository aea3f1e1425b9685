/** @import { ImportPreview } from '../correction-preview.ts' */
import { faultOf, send, sendCsv } from './api.js';
import { ask } from './ask.js';
import { button, element, faultLine, keepChildren, labelled, link, named, setText, table, viewHead } from './dom.js';
import { formatCount, formatCountOf } from './format.js';
import { recordAddress } from './router.js';

/**
 * A corrected CSV: first its changes, then, if they are meant, they are sent.
 * @param {HTMLElement} root
 */
export function openImportView(root) {
  const { head } = viewHead('Import a corrected CSV', link('#/dead', 'Dead letters'));
  const file = /** @type {HTMLInputElement} */ (element('input'));
  file.type = 'file';
  file.accept = '.csv,text/csv';
  const said = element('p', 'lead');
  said.setAttribute('role', 'status');
  const trouble = faultLine();
  const { made, body } = table('Changed columns', [
    { title: 'Column' },
    { title: 'Rows', className: 'number' },
    { title: 'Before' },
    { title: 'After' },
  ]);
  made.hidden = true;
  const remarks = element('ul', 'plain');
  /** @type {ImportPreview | undefined} */
  let preview;
  const submit = button('Send these corrections…', () => preview && void confirm(preview));
  submit.hidden = true;
  root.append(
    head,
    element(
      'p',
      'lead',
      'Use a CSV that was exported from the dead letters. Nothing is sent before you have seen what it changes.',
    ),
    labelled('Corrected CSV', file),
    trouble,
    said,
    made,
    remarks,
    element('p', 'actions start', submit),
  );
  file.addEventListener('change', () => void choose());

  async function choose() {
    const [chosen] = file.files ?? [];
    const isNewest = () => file.files?.[0] === chosen;
    show(undefined);
    trouble.hidden = true;
    if (!chosen) return;
    setText(said, 'Comparing each row with its record…');
    try {
      /** @type {ImportPreview} */
      const found = await sendCsv('/api/import', chosen);
      if (isNewest()) show(found);
    } catch (error) {
      if (!isNewest()) return;
      setText(said, '');
      setText(trouble, faultOf(error));
      trouble.hidden = false;
    }
  }

  /** @param {ImportPreview | undefined} found */
  function show(found) {
    preview = found;
    made.hidden = !found || found.columns.length === 0;
    submit.hidden = !found || found.changed === 0;
    setText(said, found ? summaryOf(found) : '');
    keepChildren(
      body,
      found?.columns ?? [],
      ({ column }) => column,
      createColumn,
      () => undefined,
    );
    remarks.replaceChildren(...(found ? remarksOf(found) : []));
  }

  /** @param {ImportPreview} found */
  async function confirm({ id, changed, files, faulty }) {
    const again = faulty === 0 ? [] : [`${formatCountOf(faulty, 'row')} would be rejected again.`];
    const isSent = await ask({
      title: `Send ${formatCountOf(changed, 'corrected row')}?`,
      text: [
        `Each is sent to the API in place of its record, within the limit. ${formatCountOf(files, 'account')} will be amended.`,
        'The accounts keep your name and the reason.',
        ...again,
      ],
      fields: [{ name: 'why', label: 'What was corrected, and why', kind: 'reason' }],
      confirm: 'Send',
      act: ({ why }) => send('/api/import/send', { id, why }),
    });
    if (!isSent) return;
    show(undefined);
    file.value = '';
    setText(said, 'The corrections are being sent; the box above shows how far they are.');
  }
  return { title: 'Import a corrected CSV', everyMs: 60_000, read: async () => undefined };
}

/** @param {ImportPreview} found */
function summaryOf({ changed, files, unchanged, resolved }) {
  return (
    `${formatCountOf(changed, 'row')} changed, of ${formatCountOf(files, 'file')}; ` +
    `${formatCount(unchanged)} unchanged, ${formatCount(resolved)} resolved since.`
  );
}

/** @param {ImportPreview['columns'][number]} column */
function createColumn({ column, rows, before, after, is_suspicious: isSuspicious }) {
  const head = element('th', isSuspicious ? 'warning' : '', column);
  head.setAttribute('scope', 'row');
  return element(
    'tr',
    '',
    head,
    named('Rows', element('td', 'number', formatCount(rows))),
    named('Before', element('td', 'raw', before ?? '(none)')),
    named('After', element('td', 'raw', after)),
  );
}

/** @param {ImportPreview} found */
function remarksOf({ columns, ignored, faulty, faults }) {
  const remarks = columns
    .filter(({ is_suspicious: isSuspicious }) => isSuspicious)
    .map(({ column }) =>
      element('li', 'warning', `Look at ${column}: valid values were changed. A spreadsheet may have reformatted it.`),
    );
  if (ignored.length > 0)
    remarks.push(element('li', '', `Not sent, because the files have no such columns: ${ignored.join(', ')}.`));
  if (faulty > 0) remarks.push(element('li', 'warning', `${formatCountOf(faulty, 'row')} would be rejected again:`));
  for (const { line, file_id: id, record, fault } of faults)
    remarks.push(
      element(
        'li',
        '',
        `Line ${formatCount(line)}, `,
        link(recordAddress(id, record), `record ${formatCount(record)}`),
        `: ${fault}`,
      ),
    );
  if (faulty > faults.length)
    remarks.push(element('li', 'quiet', `… and ${formatCount(faulty - faults.length)} more.`));
  return remarks;
}
