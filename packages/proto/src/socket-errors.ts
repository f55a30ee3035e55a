/** What a host's sockets fail with: our side's business, so these are errors. */

/** A send that cannot happen: the connection is gone, the queue full, the peer unreachable, the socket closed. */
export class SendError extends Error {
  override readonly name = 'SendError';
  readonly code: 'SEND_CLOSED' | 'SEND_QUEUE_FULL' | 'SEND_CONNECT' | 'SEND_CONNECT_TIMEOUT' | 'SEND_LIMIT';

  constructor(code: SendError['code'], message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A listener that cannot be opened. `code` is the system's (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` …). */
export class BindError extends Error {
  override readonly name = 'BindError';
  readonly code: string;

  constructor(transport: string, address: string, cause: Error & { readonly code?: string }) {
    const code = cause.code ?? 'EUNKNOWN';
    super(`cannot listen on ${transport} ${address}: ${REASONS[code] ?? cause.message} (${code})`, { cause });
    this.code = code;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has that port',
  EACCES: 'ports below 1024 need a privilege',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine has no such address family',
};
