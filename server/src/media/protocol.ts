/**
 * The port as JSON, a message a line:
 *
 *   → {"id": 1, "method": "hello", "params": {"version": 1, "role": "control"}}      the first; role `observe` only reads
 *   ← {"id": 1, "ok": true, "result": {"boot": "5f…"}}
 *   → {"id": 2, "method": "allocate", "params": {…AllocateRequest}}
 *   ← {"id": 2, "ok": false, "error": {"code": "MEDIA_NO_PORTS", "message": "…"}}
 *   ← {"event": {"kind": "idle", …}}
 *
 * `list` answers in pages: `{"after": 16}` → `{"bridges": […], "next": 32}`, no `next` on the last. What cannot be read is answered with
 * `"id": null`.
 */
import { MAX_LINE } from './lines.ts';
import { MEDIA_ERROR_CODES, MediaError, type MediaErrorCode, type MediaEvent } from './port.ts';

export const PROTOCOL_VERSION = 1;

/** What a method asks of the one who calls it. */
export const METHODS: Readonly<Record<Method, 'any' | 'read' | 'control'>> = {
  hello: 'any',
  list: 'read',
  counters: 'read',
  allocate: 'control',
  connect: 'control',
  release: 'control',
  adopt: 'control',
};
export type Method = 'hello' | 'list' | 'counters' | 'allocate' | 'connect' | 'release' | 'adopt';

export interface Request {
  readonly id: number;
  readonly method: Method;
  readonly params: Readonly<Record<string, unknown>>;
}

export type Answer =
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number | null; readonly error: MediaError }
  | { readonly kind: 'event'; readonly event: MediaEvent };

/** A line from a client. A bad one is an error to be answered, never thrown. */
export function readRequest(line: string): Request | MediaError {
  const value = parse(line);
  if (value === undefined) return bad('not a JSON object');
  const { id, method, params } = value;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) return bad('id is no whole number');
  if (typeof method !== 'string' || !Object.hasOwn(METHODS, method)) return bad('unknown method');
  if (params !== undefined && !isObject(params)) return bad('params is no object');
  return { id, method: method as Method, params: params ?? {} };
}

/** A line from the media process; `undefined` for what it would never say. */
export function readAnswer(line: string): Answer | undefined {
  const value = parse(line);
  if (value === undefined) return undefined;
  const { id, ok, result, error, event } = value;
  if (isObject(event) && typeof event.kind === 'string')
    return { kind: 'event', event: event as unknown as MediaEvent };
  if (ok === true && typeof id === 'number') return { kind: 'result', id, result };
  if (ok !== false || !isObject(error) || (typeof id !== 'number' && id !== null)) return undefined;
  const code = MEDIA_ERROR_CODES.find((known) => known === error.code) ?? 'MEDIA_INTERNAL';
  return { kind: 'error', id, error: new MediaError(code, String(error.message)) };
}

/** One line, checked against the bound that the other end has. */
export function formatLine(message: unknown): string {
  const line = `${JSON.stringify(message)}\n`;
  if (line.length > MAX_LINE) throw new MediaError('MEDIA_BAD_REQUEST', 'longer than a line may be');
  return line;
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const bad = (message: string): MediaError => new MediaError('MEDIA_BAD_REQUEST' satisfies MediaErrorCode, message);
