import { Logger } from '@aws-lambda-powertools/logger';
import type { AuditLog } from '../ports.ts';

/**
 * One JSON object a line. `correlation_id` is the file's id, or `<file id>/<record>` where a line is about one record; the
 * record's own id where its feed has one.
 */
export function createAuditLog(service: string): AuditLog {
  const logger = new Logger({ serviceName: service, persistentKeys: { module: service } });
  return {
    debug: (message, fields = {}) => logger.debug(message, fields),
    info: (message, fields = {}) => logger.info(message, fields),
    warn: (message, fields = {}) => logger.warn(message, fields),
    error: (message, fields = {}) => logger.error(message, fields),
  };
}
