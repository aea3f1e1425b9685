/** A time of day where the feed's people are: by when its files must be through. */
export interface Deadline {
  hour: number;
  minute: number;
  /** IANA name: daylight saving is its business. */
  timeZone: string;
}

/** `05:00 America/New_York`; undefined for what is none. */
export function parseDeadline(text: string): Deadline | undefined {
  const match = /^([01][0-9]|2[0-3]):([0-5][0-9]) ([A-Za-z0-9_+/-]{1,50})$/.exec(text);
  const [, hour, minute, timeZone] = match ?? [];
  if (hour === undefined || minute === undefined || timeZone === undefined || !isTimeZone(timeZone)) return undefined;
  return { hour: Number(hour), minute: Number(minute), timeZone };
}

/** Whether it is the IANA name of a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    // Offsets are taken, too, by newer engines; EventBridge Scheduler wants a name.
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}
