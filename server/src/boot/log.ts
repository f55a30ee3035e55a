/** Logs by pino: one JSON event a line on standard output. */
import pino, { type Logger } from 'pino';
import type { LogLevel } from '../config/schema.ts';
import type { Log } from '../kernel/log.ts';

export function createLog(level: LogLevel, process: string): Log {
  const options = { level, base: { process }, messageKey: 'event', timestamp: pino.stdTimeFunctions.isoTime };
  // Not synchronous: a terminal or pipe that nobody empties must not stop the calls. Beyond the bound lines are dropped.
  return wrap(pino(options, pino.destination({ fd: 1, sync: false, maxLength: 4 << 20 })));
}

function wrap(logger: Logger): Log {
  return {
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
    child: (fields) => wrap(logger.child(fields)),
  };
}
