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
