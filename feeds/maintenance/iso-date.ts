const calendarDate = /^(\d{4})-(\d{2})-(\d{2})$|^(\d{4})(\d{2})(\d{2})$/;
const timeOfDay = /^([01]\d|2[0-3])(:?[0-5]\d(:?[0-5]\d([.,]\d{1,9})?)?)?(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?$/;

/** An ISO 8601 calendar date that exists, with or without a time: `2026-01-05`, `20260105`, `2026-01-05T06:00:00Z`. */
export function isIsoDate(text: string): boolean {
  const [date = '', time, ...others] = text.split('T');
  const parts = calendarDate
    .exec(date)
    ?.slice(1)
    .filter((part) => part !== undefined);
  if (!parts || others.length > 0 || (time !== undefined && !timeOfDay.test(time))) return false;
  const [year, month, day] = parts.map(Number) as [number, number, number];
  const made = new Date(Date.UTC(2000, month - 1, day));
  // Date.UTC would place years below 100 in the 20th century.
  made.setUTCFullYear(year, month - 1, day);
  return month >= 1 && month <= 12 && made.getUTCMonth() === month - 1 && made.getUTCDate() === day;
}
