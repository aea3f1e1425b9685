import type { Html } from './html.ts';
import { html } from './html.ts';
import type { Verdict } from './verdict.ts';

const signs: Record<Verdict['kind'], string> = { good: '✓', attention: '!', bad: '✕' };

/** The answer that a page begins with. @param words what its sign means, for those who can't see it */
export function verdictBox({ kind, sentence, details }: Verdict, words: Record<Verdict['kind'], string>): Html {
  return html`<div class="verdict ${kind}" id="verdict">
    <span class="sign" role="img" aria-label="${words[kind]}">${signs[kind]}</span>
    <div>
      <p class="sentence">${sentence}</p>
      ${details.filter((detail) => detail !== '').map((detail) => html`<p>${detail}</p>`)}
    </div>
  </div>`;
}
