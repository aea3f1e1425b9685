import { setTimeout as delay } from 'node:timers/promises';

/** MiniStack and LocalStack both serve this path. */
export const healthPath = '/_localstack/health';

/** @returns null if the endpoint is healthy, otherwise the fault: an HTTP status or the network's error code */
export async function checkHealth(url: string, timeoutMs = 3_000): Promise<string | null> {
  try {
    const response = await fetch(new URL(healthPath, url), { signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.ok ? null : `HTTP ${response.status}`;
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause;
    return cause?.code ?? (error as Error).message;
  }
}

/** @returns null once the endpoint is healthy; the last fault when `untilMs` (epoch) has passed or `isOver` says so */
export async function awaitHealth(
  url: string,
  untilMs: number,
  isOver: () => boolean,
  signal?: AbortSignal,
): Promise<string | null> {
  for (;;) {
    signal?.throwIfAborted();
    const over = isOver();
    const fault = await checkHealth(url);
    if (fault === null || over || Date.now() > untilMs) return fault;
    await delay(50);
  }
}
