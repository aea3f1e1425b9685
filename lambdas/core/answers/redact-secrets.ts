import { Buffer } from 'node:buffer';

/** Replaces a secret. */
export const removed = '[removed]';

/** A piece of a secret with at least this many characters is removed anywhere; a shorter secret only as a whole. */
const pieceLength = 8;

/** The end of the text may have cut a secret off: a prefix of at least this many characters is removed there. */
const shortestRest = 4;

/** Levels of nested encodings that are decoded. */
const maxDecodings = 3;

/**
 * Removes secrets from another system's text: an API, a proxy or a gateway may send back what it received. Removed are
 * credentials recognised by their form (`Bearer …`, the value of an `Authorization` header, of an API key, of a cookie),
 * and the given secrets in any spelling: in upper or lower case, with characters between, percent-encoded, escaped for
 * JSON or HTML, in hex or Base64 (also as part of a longer encoded text), as a list of characters or bytes, whole or in
 * pieces.
 *
 * Call it before the text is cut to the length that is kept. Time grows linearly with the text.
 */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  const forms = [...new Set(secrets.flatMap(formsOf))];
  const bareForms = secrets.flatMap(bareFormsOf);
  const spans: Span[] = [...text.matchAll(credentials)].flatMap(spanOfValue);
  let view = viewOf(text);
  for (let decoding = 0; ; decoding++) {
    for (const form of forms) spans.push(...findForm(squeeze(view), form));
    const bare = bareOf(view);
    for (const { form, piece } of bareForms) spans.push(...findPieces(bare, form, piece));
    const next = decode(view);
    if (decoding === maxDecodings || next.text.length === view.text.length) break;
    view = next;
    spans.push(...[...view.text.matchAll(credentials)].flatMap(spanOfValue).map((span) => inOriginal(view, span)));
  }
  return replaceSpans(text, spans);
}

/** From, to: in UTF-16 units, the end excluded. */
type Span = readonly [number, number];

/**
 * A Bearer token; the value of a header or a field that carries a secret, to the end of its line, quotation or element
 * (it may be in a list, or be named `value` next to its name); a URL's password. Each quantifier is bounded, so matching
 * is linear.
 */
const credentials = new RegExp(
  [
    String.raw`\bbearer(?:\s|%20|["'\\:=+]){1,20}(?<bearer>[^\s"'<>,;&\\]{1,8192})`,
    String.raw`\b(?:(?:proxy-)?authorization|(?:set-)?cookie|(?:x-)?(?:api|auth|access|refresh|client)[-_]?(?:key|token|secret)|password)` +
      String.raw`(?:["'\\]{0,3}\s{0,5}[:=>]\s{0,5}(?:\[\s{0,5})?["'\\]{0,3}|["'\\]{1,3}\s{0,5},\s{0,5}["'\\]{1,3}` +
      String.raw`(?:value["'\\]{1,3}\s{0,5}:\s{0,5}(?:\[\s{0,5})?["'\\]{1,3})?)(?<field>[^\r\n"'<>\\]{1,8192})`,
    String.raw`//[^\s/@:]{1,256}:(?<password>[^\s/@]{1,256})(?=@)`,
  ].join('|'),
  'gi',
);

function spanOfValue(match: RegExpMatchArray): Span[] {
  const { bearer, field, password } = match.groups ?? {};
  const found = bearer ?? field ?? password ?? '';
  const end = (match.index ?? 0) + match[0].length;
  return found === '' ? [] : [[end - found.length, end]];
}

/** The forms in which a secret may appear, in the spelling that `squeeze` produces. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // Base64 of a text that contains the secret: its first and last characters depend on their neighbours.
  const encoded = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const isExact = (before + bytes.length) % 3 === 0;
    return text.slice(before === 0 ? 0 : before + 1, isExact ? undefined : -1);
  });
  // For a very short secret, hardly any characters remain that are only its own.
  const derived = [bytes.toString('hex'), ...encoded].filter((form) => form.length >= shortestRest);
  return secret === '' ? [] : [secret, ...derived].map(spell);
}

/** ASCII in lower case, and one of Base64's two alphabets. */
function spell(text: string): string {
  return text
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replaceAll('-', '+')
    .replaceAll('_', '/');
}

/** A secret's forms in a list with any separators: its letters and digits, or its bytes in hex or decimal. */
function bareFormsOf(secret: string): { form: string; piece: number }[] {
  const bytes = Buffer.from(secret);
  return [
    { form: withoutSigns(secret), piece: pieceLength },
    { form: bytes.toString('hex'), piece: 2 * pieceLength },
    // Many texts contain digits: more of them must match.
    { form: bytes.join(''), piece: 2 * pieceLength },
  ].filter(({ form, piece }) => form.length >= piece);
}

const signs = /0x|[^a-z0-9]+/gi;
const withoutSigns = (text: string): string => text.replace(signs, '').toLowerCase();

/** Only letters and digits: as in lists, dumps and spelled-out texts. */
function bareOf(view: View): View {
  const { text, spans } = rewrite(view, signs, () => '');
  return { text: text.toLowerCase(), spans };
}

/** A text made from another, with the span of the original that each of its units comes from. */
interface View {
  text: string;
  spans: readonly Span[];
}

function viewOf(text: string): View {
  return { text, spans: Array.from({ length: text.length }, (_, index) => [index, index + 1] as const) };
}

function inOriginal({ spans }: View, [from, to]: Span): Span {
  return [spans[from]?.[0] ?? 0, spans[to - 1]?.[1] ?? 0];
}

/** Removes what no secret contains: blanks, line breaks, control characters, other alphabets. */
function squeeze(view: View): View {
  const { text, spans } = rewrite(view, /[^\x21-\x7e]+/g, () => '');
  return { text: spell(text), spans };
}

const escape =
  /%([0-9a-f]{2})|[\\%]u([0-9a-f]{4}|\{0{0,4}[0-9a-f]{1,4}\})|\\x([0-9a-f]{2})|&#(\d{1,8});?|&#x([0-9a-f]{1,8});?|&(amp|lt|gt|quot|apos);|\\(["'/\\])/gi;
const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Undoes percent-encoding and the escapes of JSON and HTML, once. */
function decode(view: View): View {
  return rewrite(view, escape, ([, percent, unicode, hex, decimal, entityHex, entity, plain]) => {
    if (entity !== undefined) return entities[entity.toLowerCase()] ?? '';
    if (plain !== undefined) return plain;
    const digits = percent ?? unicode?.replace('{', '') ?? hex ?? entityHex ?? '';
    const code = decimal === undefined ? parseInt(digits, 16) : Number(decimal);
    return String.fromCharCode(code);
  });
}

/** @param replacement for a match: one UTF-16 unit, or none */
function rewrite({ text, spans }: View, pattern: RegExp, replacement: (match: RegExpExecArray) => string): View {
  let rewritten = '';
  const from: Span[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    const unit = replacement(match);
    rewritten += text.slice(at, match.index) + unit;
    for (; at < match.index; at++) from.push(spans[at] ?? [0, 0]);
    if (unit !== '') from.push(inOriginal({ text, spans }, [match.index, end]));
    at = end;
  }
  rewritten += text.slice(at);
  for (; at < text.length; at++) from.push(spans[at] ?? [0, 0]);
  return { text: rewritten, spans: from };
}

/** Finds the form, or a piece of it that is long enough, in the text. */
function findForm(view: View, form: string): Span[] {
  const { text } = view;
  const length = Math.min(pieceLength, form.length);
  const spans = findPieces(view, form, length);
  for (let rest = length - 1; rest >= shortestRest; rest--) {
    if (!text.endsWith(form.slice(0, rest))) continue;
    spans.push(inOriginal(view, [text.length - rest, text.length]));
    break;
  }
  return spans;
}

function findPieces(view: View, form: string, length: number): Span[] {
  const { text } = view;
  const pieces = new Set<string>();
  for (let at = 0; at + length <= form.length; at++) pieces.add(form.slice(at, at + length));
  const spans: Span[] = [];
  for (let at = 0; at + length <= text.length; at++) {
    if (pieces.has(text.slice(at, at + length))) spans.push(inOriginal(view, [at, at + length]));
  }
  return spans;
}

/** Replaces each run of touching or overlapping spans by one mark. */
function replaceSpans(text: string, spans: readonly Span[]): string {
  const inOrder = [...spans].sort(([a], [b]) => a - b);
  let result = '';
  let at = 0;
  let last = -1;
  for (const [from, to] of inOrder) {
    if (to <= at) continue;
    if (from > at || last < 0) result += text.slice(at, Math.max(at, from)) + removed;
    at = to;
    last = to;
  }
  return result + text.slice(at);
}
