import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { deadlineOf } from '../../../lambdas/runtime/deadline.ts';
import { Shutdown } from '../../../lambdas/runtime/shutdown.ts';

const exit = vi.fn();
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  exit.mockReset();
});

it('ends an idle process at once', () => {
  new Shutdown(exit).request();
  expect(exit).toHaveBeenCalledOnce();
});

it('shortens the time of running work, and ends the process after that work and its answer', async () => {
  const shutdown = new Shutdown(exit);
  const deadline = deadlineOf({ getRemainingTimeInMillis: () => 900_000 }, shutdown);
  const looks: boolean[] = [];
  let finish: () => void = () => undefined;
  const done = shutdown.during(() => new Promise<void>((resolve) => (finish = resolve)));
  looks.push(deadline.isDrawingIn());
  shutdown.request();
  looks.push(deadline.isDrawingIn());
  expect(looks).toEqual([false, true]);
  expect(exit).not.toHaveBeenCalled();
  finish();
  await done;
  expect(exit).not.toHaveBeenCalled();
  vi.runAllTimers();
  expect(exit).toHaveBeenCalledOnce();
});

it('does not end a process without a signal', async () => {
  await new Shutdown(exit).during(async () => undefined);
  vi.runAllTimers();
  expect(exit).not.toHaveBeenCalled();
});
