/** The page's only script: it sorts and filters the existing rows. Without it the page has the same content. */
export const pageScript = `
'use strict';
(() => {
  const table = document.getElementById('letters');
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const text = document.getElementById('filter-text');
  const state = document.getElementById('filter-state');
  const shown = document.getElementById('shown');
  const filtered = document.getElementById('filtered');
  document.getElementById('controls').hidden = false;
  const show = () => {
    const wanted = text.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = (state.value === '' || row.dataset.state === state.value) && row.textContent.toLowerCase().includes(wanted);
      row.hidden = !fits;
      if (fits) count++;
    }
    const wishes = [wanted === '' ? '' : 'contain "' + text.value.trim() + '"', state.value === '' ? '' : 'are ' + state.value].filter(Boolean);
    filtered.hidden = wishes.length === 0;
    filtered.textContent = 'Filtered: ' + count + ' of ' + rows.length + ' rows, those that ' + wishes.join(' and ') + '.';
    shown.textContent = count === rows.length ? 'All ' + count + ' rows are shown.' : count + ' of ' + rows.length + ' rows are shown.';
  };
  const sort = (header, index) => {
    const down = header.getAttribute('aria-sort') === 'ascending';
    for (const each of table.tHead.rows[0].cells) each.removeAttribute('aria-sort');
    header.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const collator = new Intl.Collator('en', { numeric: true });
    const valueOf = (row) => row.cells[index].textContent;
    rows.sort((a, b) => collator.compare(valueOf(a), valueOf(b)) * (down ? -1 : 1));
    body.append(...rows);
  };
  Array.from(table.tHead.rows[0].cells).forEach((header, index) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = header.textContent;
    button.addEventListener('click', () => sort(header, index));
    header.replaceChildren(button);
  });
  text.addEventListener('input', show);
  state.addEventListener('change', show);
  show();
})();
`;
