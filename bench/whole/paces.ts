/** Requests a minute: what a million records cost is counted at one pace, and worked out for a slower one. */
export const countedPace = 6_000;
export const slowPace = 600;
