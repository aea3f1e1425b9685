const formats = new Map<string, Intl.DateTimeFormat>();

/** `Sun 29 Nov 02:00`, by the clocks of that zone. */
export function timeIn(timeZone: string, at: string): string {
  const known = formats.get(timeZone) ?? newFormat(timeZone);
  formats.set(timeZone, known);
  return known.format(Date.parse(at)).replaceAll(',', '');
}

/** Cached: creating one takes longer than using it. */
function newFormat(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}
