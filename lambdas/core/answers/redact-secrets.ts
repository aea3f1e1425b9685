import { Buffer } from 'node:buffer';

/** Stands where a secret stood. */
export const removed = '[removed]';

/** A piece of a secret of this many characters is removed wherever it stands; a shorter secret only as a whole. */
const pieceLength = 8;

/** At the text's end the rest of a secret may have been cut off: this many of its first characters are removed there. */
const shortestRest = 4;

/** Encodings inside of encodings that are looked through. */
const maxDecodings = 3;

/**
 * Another system's text without secrets: an API, a proxy or a gateway may send back what it was sent. What is removed:
 * credentials by how they are written (`Bearer …`, the value of an `Authorization` header, of an API key, of a cookie),
 * and the given secrets however they are written: in upper or lower case, with characters between, percent-encoded,
 * escaped for JSON or HTML, in hex or Base64 (also as a part of what was encoded), as a list of characters or bytes, whole or
 * in pieces.
 *
 * Called before the text is cut to the length that is kept. Time grows linearly with the text.
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

/** From, to: in UTF-16 units, the end not included. */
type Span = readonly [number, number];

/**
 * A Bearer token; the value of a header or a field that carries a secret, to the end of its line, quotation or element (it may
 * be in a list, or be called `value`, beside its name); a URL's password. Each quantifier has a bound, so matching is linear.
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

/** A secret as it may be written, in the spelling that `squeeze` gives. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // Base64 of a text that has the secret in it: by its place, the first and last characters depend on its neighbours.
  const encoded = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const isExact = (before + bytes.length) % 3 === 0;
    return text.slice(before === 0 ? 0 : before + 1, isExact ? undefined : -1);
  });
  // Of a very short secret, hardly anything is left that is its own.
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

/** A secret as it stands in a list, whatever stands between: its letters and digits, or its bytes in hex or decimal. */
function bareFormsOf(secret: string): { form: string; piece: number }[] {
  const bytes = Buffer.from(secret);
  return [
    { form: withoutSigns(secret), piece: pieceLength },
    { form: bytes.toString('hex'), piece: 2 * pieceLength },
    // Digits alone are in many texts: these need more of them to be the secret's.
    { form: bytes.join(''), piece: 2 * pieceLength },
  ].filter(({ form, piece }) => form.length >= piece);
}

const signs = /0x|[^a-z0-9]+/gi;
const withoutSigns = (text: string): string => text.replace(signs, '').toLowerCase();

/** Letters and digits alone: as lists, dumps and spelled-out texts have them. */
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

/** Without all that no secret has: blanks, line breaks, control characters, other alphabets. */
function squeeze(view: View): View {
  const { text, spans } = rewrite(view, /[^\x21-\x7e]+/g, () => '');
  return { text: spell(text), spans };
}

const escape =
  /%([0-9a-f]{2})|[\\%]u([0-9a-f]{4}|\{0{0,4}[0-9a-f]{1,4}\})|\\x([0-9a-f]{2})|&#(\d{1,8});?|&#x([0-9a-f]{1,8});?|&(amp|lt|gt|quot|apos);|\\(["'/\\])/gi;
const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Percent-encoding and the escapes of JSON and HTML undone, once. */
function decode(view: View): View {
  return rewrite(view, escape, ([, percent, unicode, hex, decimal, entityHex, entity, plain]) => {
    if (entity !== undefined) return entities[entity.toLowerCase()] ?? '';
    if (plain !== undefined) return plain;
    const digits = percent ?? unicode?.replace('{', '') ?? hex ?? entityHex ?? '';
    const code = decimal === undefined ? parseInt(digits, 16) : Number(decimal);
    return String.fromCharCode(code);
  });
}

/** @param replacement of a match: one UTF-16 unit, or none */
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

/** Where the form, or a piece of it that is long enough, stands in the text. */
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

/** Each run of spans that touch or overlap becomes one mark. */
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
