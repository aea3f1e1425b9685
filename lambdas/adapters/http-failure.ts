import type { SinkAnswer } from '../ports.ts';
import { NotConnectedError } from './http-connections.ts';

/** Readable words in place of the libraries' codes. Other errors are reported by their code in lower case. */
const reasons: Record<string, string> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ETIMEDOUT: 'connect_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'headers_timeout',
  UND_ERR_HEADERS_OVERFLOW: 'headers_too_large',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'malformed_answer',
  UND_ERR_INVALID_ARG: 'invalid_request',
  CERT_HAS_EXPIRED: 'tls_cert_expired',
  CERT_NOT_YET_VALID: 'tls_cert_not_yet_valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_self_signed',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_unknown_issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_unknown_issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_unknown_issuer',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_wrong_name',
  EPROTO: 'tls_handshake_failed',
};

/** For a connection that the other side closed or the network dropped. */
const lostConnectionReasons = ['econnreset', 'epipe', 'other_side_closed'];

/**
 * Describes a request without an answer: the reason, and whether the record may have been stored nevertheless.
 * @param isReused an earlier request was answered over the same connection
 */
export function failureOf(error: unknown, isReused = false): Extract<SinkAnswer, { kind: 'failed' }> {
  const isUnsent = error instanceof NotConnectedError;
  const cause = isUnsent ? error.cause : error;
  // Refused before it was sent, for example because of a line break in a header.
  const ambiguous = !isUnsent && codeOf(cause) !== 'UND_ERR_INVALID_ARG';
  const reason = reasonOf(cause, isUnsent);
  const isStale = isReused && !isUnsent && lostConnectionReasons.includes(reason);
  return { kind: 'failed', status: null, reason, ambiguous, ...(isStale ? { isStale } : {}) };
}

function reasonOf(error: unknown, isUnsent: boolean): string {
  const [name, message] = error instanceof Error ? [error.name, error.message] : ['error', ''];
  const code = codeOf(error);
  // undici reports the status only in its message.
  const proxyStatus = /^Proxy response \((\d+)\)/.exec(message)?.[1];
  if (proxyStatus !== undefined) return `proxy_refused_${proxyStatus}`;
  // The caller's signal: the time for a request is up.
  if (name === 'AbortError' || name === 'TimeoutError') return 'timed_out';
  if (code === 'UND_ERR_SOCKET') return message === 'other side closed' ? 'other_side_closed' : 'malformed_answer';
  if (name === 'HTTPParserError') return 'malformed_answer';
  // Later, with a request in progress, such a code is ambiguous.
  if (isUnsent && code?.startsWith('ERR_SSL_')) return 'tls_handshake_failed';
  const word = (code && reasons[code]) ?? (code ?? name).toLowerCase();
  // Letters, receipts and events contain it: it must be a word, never another program's sentence.
  return /^\w{1,60}$/.test(word) ? word : 'error';
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  // undici reports a proxy's wrong name under its own code.
  if (error.code === 'UND_ERR_PRX_TLS' && error.cause instanceof Error) return codeOf(error.cause);
  return error.code;
}
