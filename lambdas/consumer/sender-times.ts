/**
 * Shorter pauses are waited out; for longer ones the batch goes back to its queue, where waiting costs nothing.
 * Milliseconds.
 */
export const patienceMs = 15_000;

/** The limit of a request, from connecting to the answer's last byte. Milliseconds. */
export const maxRequestMs = 30_000;
