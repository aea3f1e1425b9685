import { byId, setText } from './dom.js';

/**
 * Asks whether it is meant: what happens, and with how many letters. Esc and Cancel are a no.
 * @param {{ title: string, text: string }} question
 * @returns {Promise<boolean>}
 */
export function confirmRedrive({ title, text }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('ask'));
  setText(byId('ask-title'), title);
  setText(byId('ask-text'), text);
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

/** Buttons, not a form: the page's policy lets none be sent. */
export function wireDialog() {
  const dialog = /** @type {HTMLDialogElement} */ (byId('ask'));
  byId('ask-no').addEventListener('click', () => dialog.close('no'));
  byId('ask-yes').addEventListener('click', () => dialog.close('yes'));
}
