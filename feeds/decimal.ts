import * as z from 'zod';

const written = /^[ \t]*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?[ \t]*$/;

/**
 * A number: a JSON number, or text in decimal notation. `z.coerce.number` would read a blank, `null`, `false` and `[]` as
 * 0, and `0x1f` as 31.
 * @param message the error for any other value; it follows the field's name
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
      // An exponent may exceed the range of a number.
      .pipe(z.number(message))
  );
}
