import type { AnswerDeclaration, AnswerMark, JsonScalar } from '../../../feeds/feed.ts';

/** An API's answer, as far as its meaning depends on it. */
export interface ApiAnswer {
  status: number;
  /** As the header has it; undefined without one. */
  contentType: string | undefined;
  /** As text. Where `isWhole` is false, what was read of it. */
  body: string;
  /** The body was read to its end. */
  isWhole: boolean;
  /** The API says when to come again. */
  hasRetryAfter: boolean;
}

export type AnswerMeaning =
  | { kind: 'uploaded' | 'seen-before' | 'in-progress' | 'refused' | 'throttled' | 'unauthorised' }
  /** `ambiguous`: the record may be stored all the same. */
  | { kind: 'failed'; reason: string; ambiguous: boolean };

/** RFC 9110: what a 2xx says of the record being stored depends on the API, except of these. */
const usualSuccess = [200, 201, 204];
const htmlTypes = ['text/html', 'application/xhtml+xml'];

/** Where a feed declares nothing else. Words that can hardly mean another thing than the id of this request. */
const usualConflict: readonly AnswerMark[] = ['version', 'different', 'mismatch', 'another', 'payload'].map((text) => ({
  text,
}));
const usualInProgress: readonly AnswerMark[] = [
  'in progress',
  'in-progress',
  'in_progress',
  'outstanding',
  'pending',
  'being processed',
  'still processing',
].map((text) => ({ text }));
const usualSeenBefore: readonly AnswerMark[] = [
  'has been seen',
  'seen before',
  'already seen',
  'duplicate request',
  'already processed',
].map((text) => ({ text }));

/** The record is to be sent again: a time-out, a wrong machine (RFC 9110, 15.5.20), a lock, a replay (RFC 8470). */
const retriedStatuses = [408, 421, 423, 425];

/**
 * What an answer says of the record.
 *
 * A 409 is the API's word on another request with the same id, and the feed declares its words. A 409 without any of
 * them is a refusal, which a person sees: taken for "seen before", it could report a record as delivered that is not there.
 */
export function meaningOf(answer: ApiAnswer, declaration: AnswerDeclaration = {}): AnswerMeaning {
  const { status, hasRetryAfter } = answer;
  if (status >= 200 && status < 300) return meaningOfSuccess(answer, declaration);
  if (status === 409) return { kind: meaningOfConflict(answer, declaration) };
  if (status === 429) return { kind: 'throttled' };
  if (status === 401 || status === 403) return { kind: 'unauthorised' };
  // A 413 that names a time is about the moment (RFC 9110, 15.5.14), not about the record.
  if (status >= 500 || retriedStatuses.includes(status) || (status === 413 && hasRetryAfter)) {
    // Answers of 5xx and 408 may come after the record was stored; so may a gateway's request to wait.
    return failed(`http_${status}`, status >= 500 || status === 408 || hasRetryAfter);
  }
  // A redirect is a maintenance page or a wrong base URL: nothing the record did.
  if (status < 400) return failed(`http_${status}`, false);
  return { kind: 'refused' };
}

function failed(reason: string, ambiguous: boolean): AnswerMeaning {
  return { kind: 'failed', reason, ambiguous };
}

function meaningOfSuccess(answer: ApiAnswer, { success = {} }: AnswerDeclaration): AnswerMeaning {
  const { statuses = usualSuccess, contentTypes, field } = success;
  const { status, body, isWhole } = answer;
  if (!statuses.includes(status)) return failed(`http_${status}`, true);
  const type = answer.contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const hasContent = body !== '' || !isWhole;
  const isExpected =
    contentTypes === undefined
      ? !isHtml(type, body, status)
      : !hasContent || contentTypes.some((each) => each.toLowerCase() === type);
  if (!isExpected) return failed('unexpected_content_type', true);
  if (!field) return { kind: 'uploaded' };
  const json = isWhole ? parseJson(body) : undefined;
  const found = valueAt(json, field.pointer);
  // Of a body that broke off nobody knows whether it is missing.
  const isStored =
    found === undefined ? isWhole && field.mayBeMissing === true && !namesAnError(json) : isOneOf(found, field.is);
  return isStored ? { kind: 'uploaded' } : failed('unexpected_body', true);
}

/** Whether a body without the field that decides says by other usual names that the record was not taken. */
function namesAnError(json: unknown): boolean {
  const has = (pointer: string): boolean => Boolean(valueAt(json, pointer));
  return has('/error') || has('/errors') || valueAt(json, '/success') === false || valueAt(json, '/ok') === false;
}

/** A 204 has no content, so its type says nothing. A page without a type is still a page. */
function isHtml(type: string, body: string, status: number): boolean {
  if (status === 204) return false;
  return htmlTypes.includes(type) || /^\s{0,1000}<(?:!doctype\s+html|html)\b/i.test(withoutBom(body).slice(0, 2_000));
}

function meaningOfConflict(
  answer: ApiAnswer,
  { conflict = usualConflict, inProgress = usualInProgress, seenBefore = usualSeenBefore }: AnswerDeclaration,
): 'refused' | 'in-progress' | 'seen-before' {
  const json = answer.isWhole ? parseJson(answer.body) : undefined;
  const text = answer.body.toLowerCase();
  const hasMark = (mark: AnswerMark): boolean => {
    if ('text' in mark) return text.includes(mark.text.toLowerCase());
    if ('empty' in mark) return answer.isWhole && text.trim() === '';
    return isOneOf(valueAt(json, mark.pointer), mark.is);
  };
  if (conflict.some(hasMark)) return 'refused';
  if (inProgress.some(hasMark)) return 'in-progress';
  return seenBefore.some(hasMark) ? 'seen-before' : 'refused';
}

const isOneOf = (value: unknown, values: readonly JsonScalar[]): boolean => values.some((each) => each === value);

const withoutBom = (text: string): string => text.replace(/^\uFEFF/, '');

/** Undefined where it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(withoutBom(text));
  } catch {
    return undefined;
  }
}

/** RFC 6901; undefined where there is nothing at the place. */
function valueAt(json: unknown, pointer: string): unknown {
  let value = json;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
