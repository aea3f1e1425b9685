/** @import { FilePage } from '../file-page.ts' */
import { faultOf } from './api.js';
import { done } from './controls.js';
import { button, element, faultLine, labelled, setText, section } from './dom.js';

/**
 * What a person decides about a held revision: why it is held, each answer with what it sends and what the API has then, and
 * the reason. Nothing is chosen beforehand.
 * @param {string} file
 */
export function decisionForm(file) {
  const why = element('p', 'lead alarm');
  const choices = element('fieldset', 'choices');
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
      await done('/api/release', { file, why: reason.value.trim(), sends: chosen.value });
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
    show: ({ decision }) => {
      made.hidden = decision === null;
      const now = JSON.stringify(decision);
      // What is chosen stays, until the question itself is another.
      if (decision === null || now === shown) return;
      shown = now;
      setText(why, decision.why);
      choices.replaceChildren(element('legend', '', 'What is sent'), ...decision.choices.map(choiceElement));
    },
  };
}

/** @param {NonNullable<FilePage['decision']>['choices'][number]} choice */
function choiceElement({ sends, name, sent, then }) {
  const control = /** @type {HTMLInputElement} */ (element('input'));
  control.type = 'radio';
  control.name = 'sends';
  control.value = sends;
  const text = element(
    'span',
    '',
    element('strong', '', name),
    element('span', 'below', sent),
    element('span', 'below', then),
  );
  return element('label', 'choice', control, text);
}
