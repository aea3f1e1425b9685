import { expect, it } from 'vitest';
import { PartBuffer } from '../../../lambdas/finalizer/part-buffer.ts';

it('a part has the bytes that were added since the last one, in one block of memory', () => {
  const part = new PartBuffer();
  for (const text of ['a', 'bc', '', 'def'.repeat(10)]) part.add(Buffer.from(text));
  expect(part.bytes.toString()).toBe(`abc${'def'.repeat(10)}`);
  const { buffer } = part.bytes;
  part.clear();
  expect(part.length).toBe(0);
  part.add(Buffer.from('next'));
  expect(part.bytes.toString()).toBe('next');
  expect(part.bytes.buffer).toBe(buffer);
});
