/** Stable identifiers, listed in docs/errors.md: a released code is never renamed or reused. */
export type SipErrorCode = 'SIP_HEADER_SYNTAX' | 'SIP_MESSAGE_INVALID' | 'SIP_MESSAGE_TOO_LARGE' | 'SIP_WRONG_STATE';

export interface SipErrorOptions {
  readonly cause?: unknown;
}

/** Root of everything `@strowger/sip` throws. Match on `code`, never on `message`. */
export class SipError extends Error {
  override readonly name: string = 'SipError';
  readonly code: SipErrorCode;

  constructor(code: SipErrorCode, message: string, options?: SipErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** We broke the protocol: a bug on our side, never answered on the wire. */
export class LocalProtocolError extends SipError {
  override readonly name: string = 'LocalProtocolError';
}

/** The peer broke the protocol: expected, counted, and answered with `status`. */
export class RemoteProtocolError extends SipError {
  override readonly name: string = 'RemoteProtocolError';
  /** What a UAS should respond (RFC 3261 §21.4); without one the message is dropped. */
  readonly status: number | undefined;

  constructor(code: SipErrorCode, message: string, options: SipErrorOptions & { readonly status?: number } = {}) {
    super(code, message, options);
    this.status = options.status;
  }
}
