/** What storage throws, on both sides of the thread. Match on `code`; docs/errors.md lists them. */
export type StorageCode =
  | 'STORE_BUSY'
  | 'STORE_DOWN'
  | 'STORE_CLOSED'
  | 'STORE_FULL'
  | 'STORE_IO'
  | 'STORE_CORRUPT'
  | 'STORE_LOCKED'
  | 'STORE_CONSTRAINT'
  | 'STORE_QUERY'
  | 'STORE_UNKNOWN_QUERY'
  | 'STORE_MIGRATION'
  | 'STORE_NEWER_SCHEMA'
  | 'JOURNAL_FULL'
  | 'JOURNAL_IO'
  | 'JOURNAL_OVERFLOW'
  | 'JOURNAL_CORRUPT';

export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageCode;

  constructor(code: StorageCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An error as plain data, for the way between threads. */
export interface StorageFailure {
  readonly code: StorageCode;
  readonly message: string;
}

/** SQLite's primary result codes that mean something to a caller (https://sqlite.org/rescode.html). */
const BY_RESULT: Readonly<Record<number, StorageCode>> = {
  5: 'STORE_LOCKED',
  6: 'STORE_LOCKED',
  8: 'STORE_IO',
  10: 'STORE_IO',
  11: 'STORE_CORRUPT',
  13: 'STORE_FULL',
  14: 'STORE_IO',
  19: 'STORE_CONSTRAINT',
  26: 'STORE_CORRUPT',
};

export function toStorageError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const { errcode, code, syscall, message } = cause as {
    errcode?: number;
    code?: string;
    syscall?: string;
    message?: string;
  };
  const text = message ?? String(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StorageError('STORE_FULL', text, { cause });
  if (syscall !== undefined) return new StorageError('STORE_IO', text, { cause });
  const byResult = errcode === undefined ? undefined : BY_RESULT[errcode & 0xff];
  return new StorageError(byResult ?? 'STORE_QUERY', text, { cause });
}

export const toFailure = (cause: unknown): StorageFailure => {
  const { code, message } = toStorageError(cause);
  return { code, message };
};
