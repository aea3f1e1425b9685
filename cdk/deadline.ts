/** The time of day, in the time zone of the feed's people, by which its files must be done. */
export interface Deadline {
  hour: number;
  minute: number;
  /** IANA name: it includes daylight saving. */
  timeZone: string;
}

/** `05:00 America/New_York`; undefined if it is no deadline. */
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
    // Newer engines accept offsets too, but EventBridge Scheduler requires a name.
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}
