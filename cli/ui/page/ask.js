import { faultOf } from './api.js';
import { byId, element, labelled, setClass, setText } from './dom.js';

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {'reason' | 'number' | 'time' | 'check'} kind a check gives `yes`, or nothing
 * @property {boolean} [isOptional]
 * @property {string} [hint]
 * @property {string} [value]
 */

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {readonly string[]} text what happens, a paragraph each
 * @property {readonly Field[]} [fields]
 * @property {string} confirm the button's word
 * @property {boolean} [stops] it stops something
 * @property {(values: Record<string, string>) => Promise<unknown>} act a refusal is shown in the dialog, which stays open
 */

/** @type {((values: Record<string, string>) => Promise<unknown>) | undefined} */
let acting;

const dialog = () => /** @type {HTMLDialogElement} */ (byId('ask'));

/**
 * Says what will happen, asks for a reason where one is needed, and does it. Esc and Cancel are a no.
 * @param {Question} question
 * @returns {Promise<boolean>} whether it was done
 */
export function ask({ title, text, fields = [], confirm, stops = false, act }) {
  setText(byId('ask-title'), title);
  byId('ask-text').replaceChildren(...text.map((each) => element('p', '', each)));
  byId('ask-fields').replaceChildren(...fields.map(fieldElement));
  showTrouble('');
  setText(byId('ask-yes'), confirm);
  setClass(byId('ask-yes'), stops ? 'primary stops' : 'primary');
  setBusy(false);
  acting = act;
  dialog().returnValue = 'no';
  dialog().showModal();
  /** @type {HTMLElement | null} */ (byId('ask-fields').querySelector('textarea, input'))?.focus();
  return new Promise((resolve) => {
    dialog().addEventListener('close', () => resolve(dialog().returnValue === 'yes'), { once: true });
  });
}

/** @param {Field} field */
function fieldElement({ name, label, kind, isOptional = false, hint, value = '' }) {
  const control = /** @type {HTMLInputElement} */ (element(kind === 'reason' ? 'textarea' : 'input'));
  if (kind === 'reason') control.setAttribute('rows', '3');
  if (kind === 'number') control.setAttribute('inputmode', 'numeric');
  control.value = value;
  control.name = name;
  if (kind === 'check') {
    control.type = 'checkbox';
    return element('label', 'choice', control, element('span', '', label));
  }
  control.required = !isOptional;
  control.dataset['label'] = label;
  if (kind === 'reason') control.setAttribute('maxlength', '1000');
  const made = labelled(isOptional ? `${label} (optional)` : label, control);
  if (hint !== undefined) made.append(element('span', 'quiet', hint));
  return made;
}

/** Buttons, not a form: the page's policy lets none be sent. */
export function wireDialog() {
  byId('ask-no').addEventListener('click', () => dialog().close('no'));
  byId('ask-yes').addEventListener('click', () => void confirmed());
}

async function confirmed() {
  if (byId('ask-yes').getAttribute('aria-disabled') === 'true') return;
  const controls = /** @type {HTMLInputElement[]} */ ([...byId('ask-fields').querySelectorAll('textarea, input')]);
  const missing = controls.find((control) => control.required && control.value.trim() === '');
  if (missing) {
    showTrouble(`${missing.dataset['label']} is needed.`);
    missing.setAttribute('aria-invalid', 'true');
    return missing.focus();
  }
  setBusy(true);
  const act = acting;
  // Esc closes the dialog meanwhile, and another question may be in it by the time of the answer.
  const isStillAsked = () => acting === act;
  try {
    await act?.(Object.fromEntries(controls.map(valueOf)));
    if (isStillAsked()) dialog().close('yes');
  } catch (error) {
    if (isStillAsked()) showTrouble(faultOf(error));
  } finally {
    if (isStillAsked()) setBusy(false);
  }
}

/**
 * @param {HTMLInputElement} control
 * @returns {[string, string]}
 */
function valueOf({ name, type, checked, value }) {
  return [name, type !== 'checkbox' ? value.trim() : checked ? 'yes' : ''];
}

/** @param {boolean} isBusy */
function setBusy(isBusy) {
  byId('ask-yes').setAttribute('aria-disabled', String(isBusy));
}

/** @param {string} text */
function showTrouble(text) {
  setText(byId('ask-trouble'), text);
  byId('ask-trouble').hidden = text === '';
}
