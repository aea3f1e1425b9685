import type { ApiLimits } from '../stack/stack-outputs.ts';

/** What says which deadlines the feeds have. */
export interface ZonePorts {
  outputs: { api: (feed: string) => Pick<ApiLimits, 'deadline'> | undefined };
}

/** The time zone of all times of a screen: that of the feeds' deadlines if they share one, else this machine's. */
export function screenZone(feeds: readonly string[], { outputs }: ZonePorts, localZone = machineZone()): string {
  const zones = new Set(feeds.flatMap((feed) => outputs.api(feed)?.deadline?.timeZone ?? []));
  const [zone] = zones;
  return zones.size === 1 && zone !== undefined ? zone : localZone;
}

const machineZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
