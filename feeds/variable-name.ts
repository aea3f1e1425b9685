/** `SLUICE_TRAFFIC_API_URL` for the feed `traffic` and `apiUrl`: the variable that gives a setting or an option of a feed. */
export function variableName(feed: string, setting: string): string {
  return `SLUICE_${feed.toUpperCase().replaceAll('-', '_')}_${upperSnake(setting)}`;
}

/** `WINDOW_SECONDS` for `windowSeconds`. */
export function upperSnake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
