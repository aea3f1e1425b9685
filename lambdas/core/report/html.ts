/** Markup that may be put into a page unchanged: `html` makes it, or it is the page's own style and script. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

export type HtmlValue = Html | string | number | null | undefined | readonly HtmlValue[];

/** A template whose values are text, with any content; nested markup must also be made by it. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(strings.map((text, n) => text + markupOf(values[n])).join(''));
}

function markupOf(value: HtmlValue): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Html) return value.markup;
  if (typeof value === 'object') return value.map(markupOf).join('');
  return escapeText(String(value));
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/**
 * For elements and for quoted attributes. Characters that are invisible or change the direction of writing are made
 * visible.
 */
function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(/(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\uFFFE\uFFFF]/gu, '\u00b7')
    .replace(/[&<>"'`]/g, (character) => entities[character] ?? '');
}
