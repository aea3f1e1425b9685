/** Markup that may be put into a page as it is: `html` makes it, or it is the page's own style and script. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

export type HtmlValue = Html | string | number | null | undefined | readonly HtmlValue[];

/** A template whose values are text, whatever is in them; markup within it has to be made by the same. */
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

/** For elements and for attributes in quotes. What can't be seen, or turns the writing round, is made visible. */
function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(/(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\uFFFE\uFFFF]/gu, '\u00b7')
    .replace(/[&<>"'`]/g, (character) => entities[character] ?? '');
}
