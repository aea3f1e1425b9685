import { describe, expect, it } from 'vitest';
import { redactSecrets, removed } from '../../../../lambdas/core/answers/redact-secrets.ts';

const token = 'sk_live-Ab/C+9~xyz.QRS=tuv"w\'&<0123456789';
const escapeEach = (to: (code: number) => string) =>
  Array.from(token)
    .map((each) => to(each.charCodeAt(0)))
    .join('');
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a secret in another system’s text', () => {
  const forms: [string, string][] = [
    ['as it is', token],
    ['in upper case', token.toUpperCase()],
    ['percent-encoded', encodeURIComponent(token)],
    ['percent-encoded as a whole', escapeEach((code) => `%${code.toString(16)}`)],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(token))],
    ['escaped for JSON', JSON.stringify(token)],
    ['escaped for JSON within JSON', JSON.stringify(JSON.stringify(token))],
    ['escaped for JSON as a whole', escapeEach((code) => `\\u${code.toString(16).padStart(4, '0')}`)],
    ['escaped for HTML', token.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')],
    ['escaped for HTML as a whole', escapeEach((code) => `&#${code};`)],
    ['in hex', Buffer.from(token).toString('hex')],
    ['in Base64', base64(token)],
    ['in Base64 for URLs', Buffer.from(token).toString('base64url')],
    ['in Base64 behind one character', base64(`x${token}`)],
    ['in Base64 behind two characters and before more', base64(`xy${token}more`)],
    ['in Base64 as Basic credentials', base64(`user:${token}`)],
    ['with zero bytes between, as of UTF-16', Array.from(token).join('\u0000')],
    ['folded over lines', token.match(/.{1,5}/g)?.join('\r\n ') ?? ''],
    ['with zero-width spaces', Array.from(token).join('\u200b')],
  ];
  it.each(forms)('%s is removed, and nothing around it', (_, form) => {
    const redacted = redactSecrets(`key rejected: ${form} (unknown)`, [token]);
    expect(redacted).toMatch(/^key rejected: .*\[removed\].* \(unknown\)$/s);
    // At most the two characters remain that Base64 shares with what is beside it, or the quotes around it.
    expect(redacted.replaceAll(removed, '').length).toBeLessThanOrEqual('key rejected:  (unknown)'.length + 12);
    for (let at = 0; at + 8 <= form.length; at++) expect(redacted).not.toContain(form.slice(at, at + 8));
  });

  const bytes = [...Buffer.from(token)];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0'));
  it.each([
    ['a buffer in JSON', JSON.stringify(Buffer.from(token))],
    ['bytes over lines', JSON.stringify(bytes, null, 2)],
    ['hex with colons', hex.join(':')],
    ['hex as literals', hex.map((byte) => `0x${byte}`).join(', ')],
    ['characters in JSON', JSON.stringify(Array.from(token))],
    ['characters with dashes', Array.from(token).join('-')],
    ['escapes in braces', hex.map((byte) => `\\u{${byte}}`).join('')],
    ['old escapes of JavaScript', hex.map((byte) => `%u00${byte}`).join('')],
    ['HTML with zeros before', hex.map((byte) => `&#x0000${byte};`).join('')],
    ['HTML without semicolons', bytes.map((byte) => `&#${byte} `).join('')],
  ])('is removed if it is split: %s', (_, form) => {
    const redacted = redactSecrets(`key rejected: ${form} (unknown)`, [token]);
    expect(redacted).toMatch(/^key rejected: .*\[removed\].*\(unknown\)$/s);
    // A name of the list, and the signs at either end.
    expect(redacted.length).toBeLessThan('key rejected: {"type":"Buffer","data":[removed] (unknown)'.length + 30);
  });

  it('is removed in parts, as an abbreviation leaves them', () => {
    expect(redactSecrets(`got ${token.slice(0, 12)}...${token.slice(-9)} here`, [token])).toBe(
      `got ${removed}...${removed} here`,
    );
  });

  it.each([4, 5, 6, 7])(
    'is removed at the end of a text that was truncated after its first %i characters',
    (length) => {
      expect(redactSecrets(`token is ${token.slice(0, length)}`, [token])).toBe(`token is ${removed}`);
    },
  );

  it('is removed for each of several', () => {
    expect(redactSecrets('old-token-1 and new-token-2', ['old-token-1', 'new-token-2'])).toBe(
      `${removed} and ${removed}`,
    );
  });

  it('of one character does not remove other characters', () => {
    expect(redactSecrets('yes, 6 by 7', ['~'])).toBe('yes, 6 by 7');
    expect(redactSecrets('yes', [''])).toBe('yes');
  });

  it('that is short is removed as a whole', () => {
    expect(redactSecrets('the key t0ken, token', ['t0ken'])).toBe(`the key ${removed}, token`);
  });
});

describe('credentials that were not declared', () => {
  const texts: [string, string][] = [
    ['Bearer abc.def.ghi is not valid', `Bearer ${removed} is not valid`],
    ['{"headers":{"authorization":"Bearer abc.def"},"a":1}', `{"headers":{"authorization":"${removed}"},"a":1}`],
    ['["Authorization","Basic dXNlcjpwYXNz","Accept","*/*"]', `["Authorization","${removed}","Accept","*/*"]`],
    ['authorization: AWS4-HMAC-SHA256 Credential=A, Signature=B\r\nhost: x', `authorization: ${removed}\r\nhost: x`],
    ['"{\\"Authorization\\":\\"Bearer abc\\"}"', `"{\\"Authorization\\":\\"${removed}\\"}"`],
    ['X-Api-Key: 12345\nhost: x', `X-Api-Key: ${removed}\nhost: x`],
    ['{"apiKey":"12345","n":1}', `{"apiKey":"${removed}","n":1}`],
    ['set-cookie: a=b; c=d', `set-cookie: ${removed}`],
    ['cannot reach http://user:pass@proxy:3128/', `cannot reach http://user:${removed}@proxy:3128/`],
    ['Authorization%3A%20Bearer%20abcdef', `Authorization%3A%20${removed}`],
    ['{"Authorization":["Basic dXNlcg=="],"n":1}', `{"Authorization":["${removed}"],"n":1}`],
    ['{"name":"authorization","value":"Basic dXNlcg=="}', `{"name":"authorization","value":"${removed}"}`],
    ['<apiKey>12345</apiKey>', `<apiKey>${removed}</apiKey>`],
    ['BEARER\tabc', `BEARER\t${removed}`],
  ];
  it.each(texts)('%j', (text, expected) => {
    expect(redactSecrets(text, [])).toBe(expected);
  });
});

describe('text without a secret', () => {
  it.each([
    '',
    'unknown advertiser contract SP-000002',
    '{"error":"this request id has been seen","id":"50%25 off é 中"}',
    'the password has expired; no authorization, please try again',
  ])('is unchanged: %j', (text) => {
    expect(redactSecrets(text, [token])).toBe(text);
  });

  it('is scanned once per character: a hostile text of 64 KiB needs few steps', () => {
    // Each of these would take hours where matching were quadratic.
    for (const piece of ['bearer ', 'authorization:', '%2525', '\\', '//a:', '&#', 'sk_live']) {
      const text = piece.repeat(65_536 / piece.length);
      expect(redactSecrets(text, [token]).length).toBeLessThan(2 * text.length);
    }
  });
});
