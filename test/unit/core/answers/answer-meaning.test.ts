import { describe, expect, it } from 'vitest';
import type { AnswerDeclaration } from '../../../../feeds/feed.ts';
import { traffic } from '../../../../feeds/traffic.ts';
import type { ApiAnswer } from '../../../../lambdas/core/answers/answer-meaning.ts';
import { meaningOf } from '../../../../lambdas/core/answers/answer-meaning.ts';

const answer = (status: number, body = '', change: Partial<ApiAnswer> = {}): ApiAnswer => ({
  status,
  contentType: body === '' ? undefined : 'application/json',
  body,
  isWhole: true,
  hasRetryAfter: false,
  ...change,
});
const uploaded = { kind: 'uploaded' };
const failed = (reason: string, ambiguous = true) => ({ kind: 'failed', reason, ambiguous });

describe('success, if the feed declares nothing', () => {
  const page = '<!DOCTYPE html><html><body>Sign in to the network</body></html>';
  it.each([
    ['200', answer(200, '{}'), uploaded],
    ['201', answer(201), uploaded],
    ['204', answer(204), uploaded],
    ['204 of a type that says nothing', answer(204, '', { contentType: 'text/html' }), uploaded],
    ['200 with an empty body and no type', answer(200), uploaded],
    ['200 that breaks off', answer(200, '{"id"', { isWhole: false }), uploaded],
    ['202: accepted is not stored', answer(202, '{}'), failed('http_202')],
    ['207: each part has a status of its own', answer(207, '{}'), failed('http_207')],
    ['203, 205, 206, 226 and what nobody knows', answer(299), failed('http_299')],
    ['a page', answer(200, page, { contentType: 'text/html' }), failed('unexpected_content_type')],
    [
      'a page with a charset',
      answer(201, page, { contentType: 'Text/HTML; charset=utf-8' }),
      failed('unexpected_content_type'),
    ],
    ['a page of XHTML', answer(200, page, { contentType: 'application/xhtml+xml' }), failed('unexpected_content_type')],
    ['a page without a type', answer(200, page, { contentType: undefined }), failed('unexpected_content_type')],
    ['a page that says it is JSON', answer(200, `\uFEFF \n${page}`), failed('unexpected_content_type')],
  ])('%s', (_, given, expected) => {
    expect(meaningOf(given)).toEqual(expected);
  });
});

describe('success, if the feed declares a field', () => {
  const declaration: AnswerDeclaration = {
    success: {
      statuses: [200, 202],
      contentTypes: ['application/json'],
      field: { pointer: '/r/0/a~1b~0', is: ['ok', 1] },
    },
  };
  it.each([
    ['is there', answer(200, '{"r":[{"a/b~":"ok"}]}'), uploaded],
    [
      'is there, with 202 as declared',
      answer(202, '{"r":[{"a/b~":1}]}', { contentType: 'application/JSON; charset=utf-8' }),
      uploaded,
    ],
    ['is there behind a byte order mark', answer(200, '\uFEFF{"r":[{"a/b~":"ok"}]}'), uploaded],
    ['has another value', answer(200, '{"r":[{"a/b~":"error"}]}'), failed('unexpected_body')],
    ['has another type', answer(200, '{"r":[{"a/b~":"1"}]}'), failed('unexpected_body')],
    ['is missing', answer(200, '{"r":[]}'), failed('unexpected_body')],
    ['is only inherited', answer(200, '{"r":[{"__proto__":{"a/b~":"ok"}}]}'), failed('unexpected_body')],
    ['is in a body that is no JSON', answer(200, 'ok'), failed('unexpected_body')],
    ['is in no body', answer(200), failed('unexpected_body')],
    [
      'is in a body that was not read to its end',
      answer(200, '{"r":[{"a/b~":"ok"}]}', { isWhole: false }),
      failed('unexpected_body'),
    ],
    [
      'is in a body of another type',
      answer(200, '{"r":[{"a/b~":"ok"}]}', { contentType: 'text/plain' }),
      failed('unexpected_content_type'),
    ],
    ['is there, with a status that was not declared', answer(201, '{"r":[{"a/b~":"ok"}]}'), failed('http_201')],
  ])('that %s', (_, given, expected) => {
    expect(meaningOf(given, declaration)).toEqual(expected);
  });
});

describe('a 409', () => {
  it.each([
    ['', 'refused'],
    ['{"error":"version conflict"}', 'refused'],
    ['{"error":"the slot is already booked"}', 'refused'],
    ['{"error":"request id seen before with a different body"}', 'refused'],
    ['<html>version conflict</html>', 'refused'],
    ['{"error":"request in progress"}', 'in-progress'],
    ['{"error":"A request is outstanding for this Idempotency-Key"}', 'in-progress'],
    ['{"error":"this request id has been seen"}', 'seen-before'],
    ['{"message":"Duplicate Request","error":"Conflict"}', 'seen-before'],
  ])('%j is %s if the feed declares nothing', (body, kind) => {
    expect(meaningOf(answer(409, body))).toEqual({ kind });
  });

  const declaration: AnswerDeclaration = {
    conflict: [{ pointer: '/code', is: ['CONFLICT', 7] }],
    inProgress: [{ pointer: '/code', is: ['BUSY'] }, { text: 'Locked' }],
    seenBefore: [{ empty: true }, { pointer: '', is: [null] }],
  };
  it.each([
    ['{"code":7,"why":"locked"}', 'refused'],
    ['{"code":"BUSY"}', 'in-progress'],
    ['it is LOCKED', 'in-progress'],
    [' \r\n', 'seen-before'],
    ['null', 'seen-before'],
    ['{"code":"SEEN","error":"this request id has been seen"}', 'refused'],
  ])('%j is %s by the feed’s declaration', (body, kind) => {
    expect(meaningOf(answer(409, body), declaration)).toEqual({ kind });
  });

  it('that was truncated does not count as one without a body: the API is asked again', () => {
    expect(meaningOf(answer(409, '', { isWhole: false }), declaration)).toEqual(failed('unexpected_body'));
  });

  it.each([
    [answer(409, '<html>409 Conflict</html>')],
    [answer(409, '{"status":', { contentType: 'text/html; charset=utf-8' })],
  ])('that is a gateway’s page (%j) says nothing of the record: the API is asked again', (given) => {
    expect(meaningOf(given, declaration)).toEqual(failed('unexpected_content_type'));
  });
});

describe('traffic', () => {
  it.each([
    [answer(201, '{"status":"scheduled"}'), uploaded],
    [answer(200), uploaded],
    [answer(200, '{"status":"error"}'), failed('unexpected_body')],
    [answer(200, '{"status":"err', { isWhole: false }), failed('unexpected_body')],
    [answer(202, '{"status":"scheduled"}'), failed('http_202')],
    [answer(409), { kind: 'seen-before' }],
    [answer(409, '{"error":"this request id has been seen"}'), { kind: 'seen-before' }],
    [answer(409, '{"error":"request in progress"}'), { kind: 'in-progress' }],
    [answer(409, '{"error":"version conflict"}'), { kind: 'refused' }],
  ])('classifies %j as %j', (given, expected) => {
    expect(meaningOf(given, traffic.sink.answers)).toEqual(expected);
  });
});

describe('another status', () => {
  it.each([
    [answer(301), failed('http_301', false)],
    [answer(408), failed('http_408')],
    [answer(413), { kind: 'refused' }],
    [answer(413, '', { hasRetryAfter: true }), failed('http_413')],
    [answer(421), failed('http_421', false)],
    [answer(423), failed('http_423', false)],
    [answer(425), failed('http_425', false)],
    [answer(425, '', { hasRetryAfter: true }), failed('http_425')],
    [answer(429), { kind: 'throttled' }],
    [answer(401), { kind: 'unauthorised' }],
    [answer(403), { kind: 'unauthorised' }],
    [answer(404), { kind: 'refused' }],
    [answer(422, '{"status":"scheduled"}'), { kind: 'refused' }],
    [answer(500), failed('http_500')],
    [answer(503, '', { hasRetryAfter: true }), failed('http_503')],
  ])('%j', (given, expected) => {
    expect(meaningOf(given)).toEqual(expected);
  });
});

describe('Avstar’s answers, as `traffic` declares them', () => {
  const { answers } = traffic.sink as { answers: AnswerDeclaration };
  it.each([
    ['201 {"status":"scheduled"}', answer(201, '{"status":"scheduled"}'), 'uploaded'],
    ['200 {"status":"accepted"}', answer(200, '{"status":"accepted"}'), 'uploaded'],
    ['200 without a word', answer(200, '{}'), 'uploaded'],
    ['200 with an error in it', answer(200, '{"error":"no such station"}'), 'failed'],
    ['200 with errors in it', answer(200, '{"errors":[{"code":7}]}'), 'failed'],
    ['200 that denies success', answer(200, '{"success":false}'), 'failed'],
    ['200 that names no error', answer(200, '{"error":null,"success":true}'), 'uploaded'],
    ['409 for an id that it has', answer(409, '{"error":"this request id has been seen"}'), 'seen-before'],
    ['409 duplicate', answer(409, '{"status":"duplicate"}'), 'seen-before'],
    ['409 without a body', answer(409), 'seen-before'],
    ['409 still being processed', answer(409, '{"error":"Duplicate request is still being processed"}'), 'in-progress'],
    ['409 pending', answer(409, '{"error":"duplicate request: original still pending"}'), 'in-progress'],
    ['409 another payload', answer(409, '{"error":"duplicate request id with another payload"}'), 'refused'],
    ['409 for what was not foreseen', answer(409, '{"error":"unforeseen error"}'), 'refused'],
    ['409 not seen yet', answer(409, '{"error":"id not seen yet"}'), 'refused'],
  ])('%s', (_, given, kind) => {
    expect(meaningOf(given, answers)).toMatchObject({ kind });
  });
});
