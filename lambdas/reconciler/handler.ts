import type { ReconcilerPorts } from './requeue-stalled.ts';
import { requeueStalled } from './requeue-stalled.ts';

/** Runs on a schedule. A run that fails is told by the function's error metric; the next one does its work. */
export function createReconcilerHandler(ports: ReconcilerPorts) {
  return (): Promise<void> => requeueStalled(ports);
}
