/** @import { FilePage } from '../file-page.ts' */
import { faultOf } from './api.js';
import { done } from './controls.js';
import { button, element, faultLine, labelled, setText, section } from './dom.js';

/**
 * What a person decides about a held revision: why it is held, each answer with what it sends and what the API has then,
 * whether it waits for an earlier revision that is in progress, and the reason. Nothing is chosen beforehand.
 * @param {string} file
 */
export function decisionForm(file) {
  const why = element('p', 'lead alarm');
  const choices = element('fieldset', 'choices');
  const waits = element('fieldset', 'choices');
  const reason = /** @type {HTMLTextAreaElement} */ (element('textarea'));
  reason.rows = 3;
  reason.maxLength = 1_000;
  const trouble = faultLine();
  const release = button('Release', () => void decide());
  release.className = 'primary';
  const made = section(
    'Decide what is sent',
    why,
    choices,
    waits,
    labelled('Why it is to be sent', reason),
    element('p', 'quiet', 'Kept in the account, with your name. If it is a wrong file, drop the right one instead.'),
    trouble,
    element('p', 'actions start', release),
  );
  made.hidden = true;
  let shown = '';

  /** @param {string} text */
  function refuse(text) {
    setText(trouble, text);
    trouble.hidden = text === '';
  }

  async function decide() {
    const options = /** @type {HTMLInputElement[]} */ ([...choices.querySelectorAll('input')]);
    const chosen = options.find(({ checked }) => checked);
    if (!chosen) {
      refuse('Choose what is sent.');
      return options[0]?.focus();
    }
    if (reason.value.trim() === '') {
      refuse('Why it is to be sent is needed.');
      return reason.focus();
    }
    refuse('');
    release.setAttribute('aria-disabled', 'true');
    try {
      const skipped = waits.querySelector('input');
      const without = skipped?.checked ? { without: skipped.value } : {};
      await done('/api/release', { file, why: reason.value.trim(), sends: chosen.value, ...without });
      reason.value = '';
    } catch (error) {
      refuse(faultOf(error));
    } finally {
      release.setAttribute('aria-disabled', 'false');
    }
  }

  return {
    made,
    /** @param {FilePage} page */
    show: ({ release: { held, without } }) => {
      const isHeld = held !== null && held.choices.length > 0;
      made.hidden = !isHeld;
      const now = JSON.stringify([held, without]);
      // What is chosen stays, until the question itself is another.
      if (!isHeld || now === shown) return;
      shown = now;
      setText(why, held.why);
      choices.replaceChildren(element('legend', '', 'What is sent'), ...held.choices.map(choiceElement));
      waits.hidden = without === null;
      waits.replaceChildren(...(without === null ? [] : waitElements(without)));
    },
  };
}

/** @param {NonNullable<FilePage['release']['held']>['choices'][number]} choice */
function choiceElement({ sends, ...texts }) {
  const control = /** @type {HTMLInputElement} */ (element('input'));
  control.type = 'radio';
  control.name = 'sends';
  control.value = sends;
  return choiceLabel(control, texts);
}

/** @param {NonNullable<FilePage['release']['without']>} without */
function waitElements({ earlier, ...texts }) {
  const control = /** @type {HTMLInputElement} */ (element('input'));
  control.type = 'checkbox';
  control.value = earlier;
  const legend = element('legend', '', `Once released, it waits until ${earlier} is closed, unless you choose this`);
  return [legend, choiceLabel(control, texts)];
}

/**
 * @param {HTMLInputElement} control
 * @param {{ name: string, sent: string, then: string }} texts
 */
function choiceLabel(control, { name, sent, then }) {
  const text = element(
    'span',
    '',
    element('strong', '', name),
    element('span', 'below', sent),
    element('span', 'below', then),
  );
  return element('label', 'choice', control, text);
}
