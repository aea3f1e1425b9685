/** The demo's numbers. All of it takes under two minutes on two cores, a minute of that the upload at the API's limit. */
export const demo = {
  folder: 'demo',
  stackName: 'sluice-demo',
  feed: 'traffic',
  rows: 20_000,
  /** Some 60 rows. */
  brokenShare: 0.003,
  /** Valid rows that the API refuses with 422. */
  refused: 2,
  /**
   * What the fake API allows: 300 a second, which two cores do with ease. Counted over a minute, as APIs do: what the
   * limiter grants a request to be late grows with the window, and a busy laptop needs that.
   */
  api: { requests: 18_000, windowSeconds: 60, connections: 20 },
  /** Longer than a slow machine takes; past that something is wrong. Milliseconds. */
  giveUpAfterMs: 10 * 60_000,
} as const;
