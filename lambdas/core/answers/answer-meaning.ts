import type { AnswerDeclaration, AnswerMark, JsonScalar } from '../../../feeds/feed.ts';

/** The parts of an API's answer that determine its meaning. */
export interface ApiAnswer {
  status: number;
  /** The header's value; undefined without one. */
  contentType: string | undefined;
  /** As text. If `isWhole` is false, the part that was read. */
  body: string;
  /** Whether the body was read to its end. */
  isWhole: boolean;
  /** Whether the API says when to retry. */
  hasRetryAfter: boolean;
}

export type AnswerMeaning =
  | { kind: 'uploaded' | 'seen-before' | 'in-progress' | 'refused' | 'throttled' | 'unauthorised' }
  /** `ambiguous`: the record may be stored nevertheless. */
  | { kind: 'failed'; reason: string; ambiguous: boolean };

/** RFC 9110: except for these, whether a 2xx means that the record is stored depends on the API. */
const usualSuccess = [200, 201, 204];
const htmlTypes = ['text/html', 'application/xhtml+xml'];

/** The default if a feed declares no others. Words that can hardly refer to anything except this request's id. */
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

/** The record is sent again: a timeout, a misdirected request (RFC 9110, 15.5.20), a lock, a replay (RFC 8470). */
const retriedStatuses = [408, 421, 423, 425];

/**
 * What an answer means for the record.
 *
 * A 409 is about another request with the same id, and the feed declares the API's words for it. A 409 without any of
 * them is a refusal, which a person sees: if it were taken for "seen before", a record could be reported as delivered
 * that is not stored. If its body is a gateway's page or was cut short, the API has not said which: it is asked again.
 */
export function meaningOf(answer: ApiAnswer, declaration: AnswerDeclaration = {}): AnswerMeaning {
  const { status, hasRetryAfter } = answer;
  if (status >= 200 && status < 300) return meaningOfSuccess(answer, declaration);
  if (status === 409) return meaningOfConflict(answer, declaration);
  if (status === 429) return { kind: 'throttled' };
  if (status === 401 || status === 403) return { kind: 'unauthorised' };
  // A 413 with a retry time is about the moment (RFC 9110, 15.5.14), not about the record.
  if (status >= 500 || retriedStatuses.includes(status) || (status === 413 && hasRetryAfter)) {
    // A 5xx or 408 may arrive after the record was stored; so may a gateway's request to wait.
    return failed(`http_${status}`, status >= 500 || status === 408 || hasRetryAfter);
  }
  // A redirect is a maintenance page or a wrong base URL: not the record's fault.
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
  const type = mediaTypeOf(answer);
  const hasContent = body !== '' || !isWhole;
  const isExpected =
    contentTypes === undefined
      ? !isHtml(answer, type)
      : !hasContent || contentTypes.some((each) => each.toLowerCase() === type);
  if (!isExpected) return failed('unexpected_content_type', true);
  if (!field) return { kind: 'uploaded' };
  const json = isWhole ? parseJson(body) : undefined;
  const found = valueAt(json, field.pointer);
  // In a truncated body the field may follow later.
  const isStored =
    found === undefined ? isWhole && field.mayBeMissing === true && !namesAnError(json) : isOneOf(found, field.is);
  return isStored ? { kind: 'uploaded' } : failed('unexpected_body', true);
}

/** Whether a body without the deciding field says under other usual names that the record was not accepted. */
function namesAnError(json: unknown): boolean {
  const has = (pointer: string): boolean => Boolean(valueAt(json, pointer));
  return has('/error') || has('/errors') || valueAt(json, '/success') === false || valueAt(json, '/ok') === false;
}

const mediaTypeOf = ({ contentType }: ApiAnswer): string => contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';

/** A 204 has no content, so its type is meaningless. An HTML page without a type is still a page. */
function isHtml({ status, body }: ApiAnswer, type: string): boolean {
  if (status === 204) return false;
  return htmlTypes.includes(type) || /^\s{0,1000}<(?:!doctype\s+html|html)\b/i.test(withoutBom(body).slice(0, 2_000));
}

function meaningOfConflict(
  answer: ApiAnswer,
  { conflict = usualConflict, inProgress = usualInProgress, seenBefore = usualSeenBefore }: AnswerDeclaration,
): AnswerMeaning {
  const json = answer.isWhole ? parseJson(answer.body) : undefined;
  const text = answer.body.toLowerCase();
  const hasMark = (mark: AnswerMark): boolean => {
    if ('text' in mark) return text.includes(mark.text.toLowerCase());
    if ('empty' in mark) return answer.isWhole && text.trim() === '';
    return isOneOf(valueAt(json, mark.pointer), mark.is);
  };
  if (conflict.some(hasMark)) return { kind: 'refused' };
  if (inProgress.some(hasMark)) return { kind: 'in-progress' };
  if (seenBefore.some(hasMark)) return { kind: 'seen-before' };
  if (!answer.isWhole) return failed('unexpected_body', true);
  return isHtml(answer, mediaTypeOf(answer)) ? failed('unexpected_content_type', true) : { kind: 'refused' };
}

const isOneOf = (value: unknown, values: readonly JsonScalar[]): boolean => values.some((each) => each === value);

const withoutBom = (text: string): string => text.replace(/^\uFEFF/, '');

/** Undefined if it isn't JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(withoutBom(text));
  } catch {
    return undefined;
  }
}

/** RFC 6901; undefined if the pointer leads nowhere. */
function valueAt(json: unknown, pointer: string): unknown {
  let value = json;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
