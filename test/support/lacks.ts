import { inject } from 'vitest';

/** Features that some tests need beyond AWS's services. Endpoints that the tests start have all of them. */
const needs = {
  killing: 'it is not one that the tests started, so they may not kill its functions',
  loopback: "its functions can't reach what a test starts on 127.0.0.1",
} as const;
export type Need = keyof typeof needs;

/**
 * Whether the endpoint in AWS_ENDPOINT_URL lacks one of these: for `skipIf`. Says so where it does: what is skipped
 * must not look as if it had passed.
 */
export function lacks(...wanted: Need[]): boolean {
  const { lacking } = inject('cloud');
  const missing = wanted.find((need) => lacking.includes(need));
  if (missing === undefined) return false;
  console.log(`Skipped on this endpoint: ${needs[missing]}.`);
  return true;
}
