import { Logger } from '@aws-lambda-powertools/logger';
import type { AuditLog } from '../ports.ts';

/** Characters that JSON leaves unescaped, and that control a terminal that tails the log. */
const obeyed = /[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Powertools' own: the module's name once more, and a rate that nothing sets. */
const unused = ['service', 'sampling_rate'];

/**
 * One JSON object per line, without control characters: keys and answers are untrusted text. `correlation_id` is the file's
 * id, or `<file id>/<record>` if a line is about one record; the record's own id if its feed has one.
 */
export function createAuditLog(service: string): AuditLog {
  const logger = new Logger({
    serviceName: service,
    persistentKeys: { module: service },
    jsonReplacerFn: (key, value: unknown) => {
      if (unused.includes(key)) return undefined;
      return typeof value === 'string' ? value.replace(obeyed, '·') : value;
    },
  });
  return {
    debug: (message, fields = {}) => logger.debug(message, fields),
    info: (message, fields = {}) => logger.info(message, fields),
    warn: (message, fields = {}) => logger.warn(message, fields),
    error: (message, fields = {}) => logger.error(message, fields),
  };
}
