/**
 * The element of that id, which index.html has.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * A new element. Text is put in as text: whatever a file is called, it is no markup.
 * @param {string} tag
 * @param {string} [className]
 * @param {readonly (Node | string)[]} children
 * @returns {HTMLElement}
 */
export function element(tag, className = '', ...children) {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/**
 * Left alone where it is the same, so that a selection is kept.
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * @param {Element} target
 * @param {string} name
 */
export function setClass(target, name) {
  if (target.className !== name) target.className = name;
}

/**
 * Children that stand for items, each kept for as long as its item is there: focus and selection stay with it.
 * @template T
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} create
 * @param {(child: HTMLElement, item: T) => void} update
 */
export function keepChildren(parent, items, keyOf, create, update) {
  const keys = new Set(items.map(keyOf));
  const known = new Map();
  for (const child of /** @type {HTMLElement[]} */ ([...parent.children])) {
    const key = child.dataset['key'] ?? '';
    if (keys.has(key)) known.set(key, child);
    else child.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const child = known.get(key) ?? create(item);
    child.dataset.key = key;
    update(child, item);
    if (child === next) next = child.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

/**
 * A part of a child, which its `create` has named.
 * @param {HTMLElement} child
 * @param {string} name
 * @returns {HTMLElement}
 */
export function partOf(child, name) {
  return /** @type {HTMLElement} */ (child.querySelector(`[data-part="${name}"]`));
}

/**
 * @param {string} name
 * @param {HTMLElement} target
 */
export function part(name, target) {
  target.dataset['part'] = name;
  return target;
}

/**
 * @param {string} href
 * @param {...(Node | string)} children
 */
export function link(href, ...children) {
  const made = /** @type {HTMLAnchorElement} */ (element('a', '', ...children));
  made.href = href;
  return made;
}

/**
 * @param {Element} target
 * @param {string} href
 */
export function setHref(target, href) {
  if (target.getAttribute('href') !== href) target.setAttribute('href', href);
}

/**
 * @param {string} text
 * @param {() => unknown} act
 * @param {string} [label] where the text alone says too little
 */
export function button(text, act, label = text) {
  const made = element('button', '', text);
  made.setAttribute('type', 'button');
  if (label !== text) made.setAttribute('aria-label', label);
  made.addEventListener('click', () => {
    // Not `disabled`: that would take the focus away.
    if (made.getAttribute('aria-disabled') !== 'true') act();
  });
  return made;
}

/**
 * @param {string} label
 * @param {HTMLElement} control
 */
export function labelled(label, control) {
  return element('label', 'labelled', element('span', '', label), control);
}

/**
 * A table whose rows are cards on a narrow screen, where each cell is named by `data-name`.
 * @param {string} label
 * @param {readonly { title: string, className?: string }[]} columns
 */
export function table(label, columns) {
  const heads = columns.map(({ title, className = '' }) => {
    const head = element('th', className, title);
    head.setAttribute('scope', 'col');
    return head;
  });
  const body = part('rows', element('tbody'));
  const made = element('table', 'cards', element('thead', '', element('tr', '', ...heads)), body);
  made.setAttribute('aria-label', label);
  return { made, body };
}

/**
 * @param {string} name the column's, shown beside the cell on a narrow screen
 * @param {HTMLElement} target
 */
export function named(name, target) {
  target.dataset['name'] = name;
  return target;
}

/**
 * Name and value, in a list of them.
 * @param {HTMLElement} list a `dl`
 * @param {readonly (readonly [string, string | Node])[]} pairs
 */
export function showPairs(list, pairs) {
  const keyed = pairs.map(([name, value], index) => ({ key: `${index} ${name}`, name, value }));
  keepChildren(
    list,
    keyed,
    ({ key }) => key,
    ({ name }) => element('div', '', element('dt', '', name), part('value', element('dd'))),
    (child, { value }) => {
      const target = partOf(child, 'value');
      if (typeof value === 'string') setText(target, value);
      else if (!target.hasChildNodes() || target.textContent !== value.textContent) target.replaceChildren(value);
    },
  );
}

/**
 * The heading of a view, with where it belongs above it.
 * @param {string} text
 * @param {Node} [above]
 */
export function viewHead(text, above) {
  const heading = element('h1', '', text);
  return { head: element('header', 'view-head', ...(above ? [element('p', 'quiet', above)] : []), heading), heading };
}

/** A file's bar, as the part `bar`: what is cut, and what is finished of it. */
export function progressBar() {
  const bar = part(
    'bar',
    element('span', 'bar', part('split', element('i', 'split')), part('settled', element('i', 'settled'))),
  );
  bar.setAttribute('role', 'progressbar');
  bar.setAttribute('aria-valuemin', '0');
  bar.setAttribute('aria-valuemax', '100');
  return bar;
}

/**
 * @param {HTMLElement} root holds the bar
 * @param {{ split_share: number, settled_share: number | null }} file
 */
export function showBar(root, { split_share: split, settled_share: settled }) {
  // By the object model: the page's policy allows no style in an attribute.
  partOf(root, 'split').style.width = `${split * 100}%`;
  partOf(root, 'settled').style.width = `${(settled ?? 0) * 100}%`;
}

/** A hidden line for what went wrong, which screen readers read out as soon as it is shown. */
export function faultLine() {
  const line = part('trouble', element('p', 'fault'));
  line.setAttribute('role', 'alert');
  line.hidden = true;
  return line;
}

/**
 * @param {string} title
 * @param {...HTMLElement} children
 */
export function section(title, ...children) {
  const heading = element('h2', '', title);
  const made = element('section', '', heading, ...children);
  made.setAttribute('aria-label', title);
  return made;
}
