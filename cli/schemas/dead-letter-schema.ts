import { z } from 'zod';
import type { Letter } from '../../lambdas/messages.ts';
import { letter } from '../../lambdas/messages.ts';

/** Descriptions of the fields, for readers of a letter without this code. */
const descriptions: Record<keyof Letter, string> = {
  v: 'Version of this format. It is raised when a reader of the previous version could not understand a letter.',
  kind: 'Distinguishes a letter from other messages.',
  timestamp: 'When the record failed, UTC.',
  feed: 'The feed that the file belongs to.',
  source_file: 'The file as it was dropped: s3://bucket/key.',
  source_version_id: 'Its version, if small files of one record each were bundled.',
  record: 'Number of the record in the file, from 1; a CSV header is not counted.',
  line: 'Physical line in the file where the record begins, from 1.',
  outcome: 'rejected: not valid, never sent; refused: the API did not accept it; exhausted: the API failed.',
  reason: 'Why it failed, as a word to group by: a failed check, http_<status>, circuit_open, a connection fault, …',
  error: 'Why it failed, as a sentence.',
  field: "The invalid field, by the source's name; null if the fault concerns the whole record.",
  http_status: "Status of the API's last answer; null if there was none.",
  api_answer: 'What the API answered, shortened.',
  raw_encoding:
    'text: raw_payload is the record as it is in the file; base64: the same, if text cannot carry it; ' +
    'head: base64 of its first 1,024 bytes only, where it is longer than 64 KiB; see payload_key.',
  raw_payload: 'The record as it is in the file; see raw_encoding.',
  payload_key:
    'Where the whole of a record longer than 64 KiB is in the work bucket; its bytes have the hash in sha256. Absent where ' +
    'the record is longer than the feed takes.',
  attempts: 'Requests that were made for the record before it became a dead letter.',
  request_id: 'X-Request-ID of those requests; null if the record never had one.',
  earlier_checksums:
    'Of a revision whose changed records supersede earlier ones: SHA-256 of the files under whose request ids the API may ' +
    'have an earlier version, the newest first; null: or none.',
  sha256: "SHA-256 of the record's bytes in the file, lower-case hex.",
  offset: "Bytes from the file's start to the record's first byte (after decompression).",
  length: 'Bytes of the record.',
  batch: 'Number of the batch that it was in.',
  file_id: 'The id of the file, in the ledger and in every command.',
  letter_id: 'The only letter that represents this record: any other one is surplus.',
};

/** The dead letter's format as a JSON Schema (2020-12); docs/schemas/ has it as a file. */
export function deadLetterSchema(): string {
  const { properties = {}, ...rest } = z.toJSONSchema(letter, { io: 'output' });
  const described = Object.entries(properties).map(([name, property]) => [
    name,
    { description: descriptions[name as keyof Letter], ...(property as object) },
  ]);
  const schema = {
    title: 'Dead letter, version 1',
    description: 'A message in the DLQ of a feed: one record that failed. JSON, indented.',
    ...rest,
    // Readers must accept fields that a later version adds.
    additionalProperties: true,
    properties: Object.fromEntries(described) as object,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
