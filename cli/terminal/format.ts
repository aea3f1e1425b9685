/** Formats numbers by English conventions whatever the machine's locale, so that output can be compared. */

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `1 record`, `2 records`. */
export function formatCountOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const byteUnits = ['kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, as for disks and on S3's bill. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${formatCount(bytes)} B`;
  let value = bytes;
  let unit = -1;
  // 999.95 would be shown as 1000.0.
  while (value >= 999.95 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${byteUnits[Math.max(0, unit)] ?? ''}`;
}

/** `8 s`, `2 min 05 s`, `3 h 20 min`, `11 d 14 h`: two units at most. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Never rounds up to 100%, which means that nothing is left. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return '';
  if (part >= whole) return '100%';
  return `${Math.max(0, Math.min(99, Math.floor((part / whole) * 100)))}%`;
}

/** With one decimal below 100. */
export function formatRate(perSecond: number): string {
  const text = perSecond < 100 ? perSecond.toFixed(1).replace(/\.0$/, '') : formatCount(perSecond);
  return `${text}/s`;
}

/** On one line, without control characters, cut to fit. */
export function oneLine(text: string, maxWidth: number): string {
  return fitTo(flat(text), maxWidth);
}

/** On one line, without control characters: a payload must not move the cursor, colour the terminal or forge a line. */
export function flat(text: string): string {
  return text.replace(/\r?\n/g, '⏎').replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '·');
}

/** Text of several lines without control characters but line breaks and tabs: no escape sequence is left, colours included. */
export function harmless(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '·');
}

/** Equivalent JSON without terminal control characters, of which JSON.stringify escapes only some. */
export function harmlessJson(json: string): string {
  return json.replace(
    /[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Cut with an ellipsis if it is wider. */
export function fitTo(text: string, maxWidth: number): string {
  if (displayWidth(text) <= maxWidth) return text;
  let fitted = '';
  let width = 0;
  for (const character of text) {
    width += characterWidth(character);
    if (width > maxWidth - 1) break;
    fitted += character;
  }
  return `${fitted}…`;
}

/** The text's width in terminal columns. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) return 0;
  // East Asian wide characters take two columns.
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(
    character,
  ) || /\p{Emoji_Presentation}/u.test(character)
    ? 2
    : 1;
}
