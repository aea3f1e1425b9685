import { expect } from 'vitest';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { DeadLetter, DeployedStack } from './deployed-stack.ts';
import { expectVerified } from './expect-verified.ts';
import type { TrafficExport } from './traffic-exports.ts';

/**
 * The account against the truth: manifest, receipts, API and DLQ, each for itself.
 *
 * @param object the dropped bytes, if they differ from the text's
 */
export async function expectExact(
  stack: DeployedStack,
  fileId: string,
  truth: TrafficExport,
  object: Buffer = Buffer.from(truth.text),
): Promise<Manifest> {
  return (await expectExactLetters(stack, fileId, truth, object)).manifest;
}

/** The same. @returns also the letters, which it has taken out of the DLQ */
export async function expectExactLetters(
  stack: DeployedStack,
  fileId: string,
  truth: TrafficExport,
  object: Buffer = Buffer.from(truth.text),
): Promise<{ manifest: Manifest; dead: DeadLetter[] }> {
  const manifest = await stack.manifestOf(fileId);
  const total = truth.good.length + truth.rejected.size + truth.refused.length;
  const checksum = sha256Of(object);
  expect(manifest).toMatchObject({
    state: 'completed',
    total_records: total,
    valid_records: total - truth.rejected.size,
    uploaded_records: truth.good.length,
    duplicate_records: 0,
    rejected_records: truth.rejected.size,
    refused_records: truth.refused.length,
    exhausted_records: 0,
    held_records: 0,
    dead_lettered_records: truth.rejected.size + truth.refused.length,
    resolved_records: 0,
    reconciled: true,
    checksum,
    bytes: object.length,
    content_bytes: Buffer.byteLength(truth.text),
  });

  const stored = await stack.stored(truth.prefix);
  const bySpot = (a: { spot_id: unknown }, b: { spot_id: unknown }) => (String(a.spot_id) < String(b.spot_id) ? -1 : 1);
  expect(stored.map((entry) => entry.spot as { spot_id: unknown }).sort(bySpot)).toEqual([...truth.good].sort(bySpot));
  for (const { requestId, spot } of stored) {
    expect(requestId).toBe(sha256Of(Buffer.from(JSON.stringify([spot['spot_id'], spot['airtime'], checksum]))));
  }

  const file = Buffer.from(truth.text);
  await expectReceipts(stack, manifest, file);

  const dead = await stack.takeDeadLetters(fileId, truth.rejected.size + truth.refused.length);
  const reasons = new Map(dead.map(({ letter }) => [letter.raw_payload, letter.reason]));
  for (const [raw, why] of truth.rejected) expect(reasons.get(raw), raw).toBe(why);
  expect(dead).toHaveLength(truth.rejected.size + truth.refused.length);
  for (const { letter, message } of dead) {
    // SQS must have moved it there: otherwise the console's redrive does not know its source queue.
    expect(message.Attributes?.['DeadLetterQueueSourceArn']).toMatch(/-letters$/);
    expect(file.subarray(letter.offset, letter.offset + letter.length).toString()).toBe(letter.raw_payload);
  }
  await expectVerified(stack, manifest);
  return { manifest, dead };
}

/** One for each record of the file that was not held back unsent, with the SHA-256 of its bytes. */
export async function expectReceipts(stack: DeployedStack, manifest: Manifest, file: Buffer): Promise<void> {
  const unsent = manifest.held_ranges.flatMap(({ first_record: first, last_record: last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
  const receipts = await stack.receiptsOf(manifest);
  const records = [...receipts.map((receipt) => receipt.record), ...unsent].sort((a, b) => a - b);
  expect(records).toEqual(Array.from({ length: manifest.total_records }, (_, index) => index + 1));
  for (const receipt of receipts) {
    expect(sha256Of(file.subarray(receipt.offset, receipt.offset + receipt.length))).toBe(receipt.sha256);
  }
}
