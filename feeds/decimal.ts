import * as z from 'zod';

const written = /^[ \t]*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?[ \t]*$/;

/**
 * A number: a JSON number, or text that is one in decimal notation. `z.coerce.number` would take a blank, `null`, `false`
 * and `[]` for 0, and `0x1f` for 31.
 * @param message said of anything else, after the field's name
 */
export function decimal(message: string) {
  return (
    z
      .union([z.number(), z.string()], { error: ({ input }) => (input === undefined ? 'is missing' : message) })
      .refine((value) => typeof value !== 'string' || value.trim() !== '', {
        error: 'is blank',
        params: { reason: 'blank' },
        abort: true,
      })
      .refine((value) => typeof value === 'number' || written.test(value), { error: message, abort: true })
      .transform(Number)
      // An exponent may go beyond what a number holds.
      .pipe(z.number(message))
  );
}
