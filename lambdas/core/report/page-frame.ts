import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import { pageStyle } from './page-style.ts';

interface PageParts {
  title: string;
  header: Html;
  main: Html;
  footer: Html;
  /** Its only script; absent if it needs none. */
  script?: string;
}

const sha256 = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** A self-contained page. Nothing is loaded, and no script except its own runs, whatever a record's fields contain. */
export function pageOf({ title, header, main, footer, script }: PageParts): string {
  const policy = [
    `default-src 'none'; style-src ${sha256(pageStyle)}`,
    ...(script === undefined ? [] : [`script-src ${sha256(script)}`]),
    "base-uri 'none'; form-action 'none'",
  ].join('; ');
  // Exactly the bytes whose hashes are in the policy.
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        ${new Html(`<style>${pageStyle}</style>`)}
      </head>
      <body>
        <header>${header}</header>
        <main>${main}</main>
        <footer>${footer}</footer>
        ${script === undefined ? undefined : new Html(`<script>${script}</script>`)}
      </body>
    </html> `.markup;
}
