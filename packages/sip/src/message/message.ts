/**
 * A message as a view of the datagram it came in: fields are read when asked for, and what was read is kept for the
 * next who asks. Everything a view returns is a slice that keeps the whole datagram alive: `own` what is to stay.
 */
import { type Octets, type Parsed, slice, toBytes } from '@strowger/proto';
import {
  FIELD,
  type FieldName,
  findField,
  type Head,
  idOf,
  nameAt,
  START,
  textOf,
  VALUE_END,
  VALUE_START,
} from './head.ts';
import { type HeaderDef, parseFirst, parseLine, splitValues } from './header.ts';
import { callId } from './headers/call-id.ts';
import { type CSeq, cseq } from './headers/cseq.ts';
import { from } from './headers/from.ts';
import { to } from './headers/to.ts';
import { type Via, via } from './headers/via.ts';
import { isListField } from './lists.ts';
import type { NameAddr } from './name-addr.ts';
import { param } from './params.ts';
import type { RequestLine, StatusLine } from './start-line.ts';
import { parseUri, type Uri } from './uri.ts';

export type SipMessage = SipRequest | SipResponse;

/** A field's values as far as they were asked for. */
interface Known {
  readonly def: HeaderDef<unknown>;
  first: Parsed<unknown> | undefined | typeof UNREAD;
  all: Parsed<readonly unknown[]> | undefined;
}

/** Not asked for yet: `undefined` says that there is none. */
const UNREAD = null;

function collect(each: readonly Parsed<unknown>[]): Parsed<readonly unknown[]> {
  const values: unknown[] = [];
  for (const one of each) {
    if (!one.ok) return one;
    values.push(one.value);
  }
  return { ok: true, value: values };
}

/** What requests and responses share. */
abstract class MessageView {
  /** The whole message, octet for octet, without what a datagram held behind its body. */
  readonly text: Octets;
  /** @internal The index: for screening and splicing. */
  readonly head: Head;
  /** What was read already, by definition: few enough that a list beats a map. */
  #known: Known[] | undefined;
  #body: Octets | undefined;

  constructor(text: Octets, head: Head) {
    this.text = text;
    this.head = head;
  }

  /** The field's first value; undefined when there is none. */
  read<T>(def: HeaderDef<T>): Parsed<T> | undefined {
    const known = this.#knownOf(def as HeaderDef<unknown>);
    if (known.first === UNREAD) known.first = this.#readFirst(def);
    return known.first as Parsed<T> | undefined;
  }

  /** The field's first value; undefined when it is absent or malformed. */
  get<T>(def: HeaderDef<T>): T | undefined {
    const value = this.read(def);
    return value?.ok ? value.value : undefined;
  }

  /** All values of the field, over all its lines, or the first fault among them. */
  readAll<T>(def: HeaderDef<T>): Parsed<readonly T[]> {
    const known = this.#knownOf(def as HeaderDef<unknown>);
    if (known.all === undefined) {
      const each = this.#parseAll(def);
      known.all = collect(each);
      if (known.first === UNREAD) known.first = each[0];
    }
    return known.all as Parsed<readonly T[]>;
  }

  /** All sound values of the field; malformed ones are left out. */
  getAll<T>(def: HeaderDef<T>): readonly T[] {
    const all = this.readAll(def);
    if (all.ok) return all.value;
    const values: T[] = [];
    for (const value of this.#parseAll(def)) if (value.ok) values.push(value.value);
    return values;
  }

  /** The first value as it stands, folds included; of a list, the first of the line's values. */
  raw(name: FieldName): Octets | undefined {
    const at = this.#find(name, 0);
    if (at < 0) return undefined;
    if (!isListField(name)) return this.#valueAt(at);
    const values: Octets[] = [];
    splitValues(this.text, this.#number(at + VALUE_START), this.#number(at + VALUE_END), values);
    return values[0] ?? this.#valueAt(at);
  }

  /** Each value as it stands: the lines of the field, a list's lines split at their commas. */
  rawAll(name: FieldName): readonly Octets[] {
    const values: Octets[] = [];
    const list = isListField(name);
    for (let at = this.#find(name, 0); at >= 0; at = this.#find(name, at + FIELD)) {
      if (list) splitValues(this.text, this.#number(at + VALUE_START), this.#number(at + VALUE_END), values);
      else values.push(this.#valueAt(at));
    }
    return values;
  }

  has(name: FieldName): boolean {
    return this.#find(name, 0) >= 0;
  }

  /** Every field line in order, names as written. */
  *fields(): Generator<{ readonly name: Octets; readonly value: Octets }> {
    const { fields } = this.head;
    for (let at = 0; at < fields.length; at += FIELD) {
      yield { name: nameAt(this.text, this.#number(at + START)), value: this.#valueAt(at) };
    }
  }

  get body(): Octets {
    this.#body ??= slice(this.text, this.head.end + 2);
    return this.#body;
  }

  /** The body's bytes, made anew at each call. */
  bodyBytes(): Uint8Array {
    return toBytes(this.body);
  }

  // The shortcuts hold once `screenMessage` found nothing; before that they throw on what is not there.

  get topVia(): Via {
    return this.#sound(via);
  }

  get from(): NameAddr {
    return this.#sound(from);
  }

  get to(): NameAddr {
    return this.#sound(to);
  }

  get callId(): Octets {
    return this.#sound(callId);
  }

  get cseq(): CSeq {
    return this.#sound(cseq);
  }

  get fromTag(): Octets | undefined {
    return param(this.from.params, 'tag');
  }

  get toTag(): Octets | undefined {
    return param(this.to.params, 'tag');
  }

  #knownOf(def: HeaderDef<unknown>): Known {
    this.#known ??= [];
    const all = this.#known;
    for (let i = 0; i < all.length; i += 1) {
      const known = all[i];
      if (known?.def === def) return known;
    }
    const known: Known = { def, first: UNREAD, all: undefined };
    all.push(known);
    return known;
  }

  #sound<T>(def: HeaderDef<T>): T {
    const value = this.read(def);
    if (!value?.ok) throw new TypeError(`${def.name} was asked of a message that was not screened`);
    return value.value;
  }

  #readFirst<T>(def: HeaderDef<T>): Parsed<T> | undefined {
    for (let at = this.#find(def, 0); at >= 0; at = this.#find(def, at + FIELD)) {
      const start = this.#number(at + VALUE_START);
      const end = this.#number(at + VALUE_END);
      // An empty line of a list has no value (`Supported:`), so the next line may have the first.
      if (!def.list || start < end) return parseFirst(def, this.text, start, end);
    }
    return undefined;
  }

  #parseAll<T>(def: HeaderDef<T>): readonly Parsed<T>[] {
    const values: Parsed<T>[] = [];
    for (let at = this.#find(def, 0); at >= 0; at = this.#find(def, at + FIELD)) {
      parseLine(def, this.text, this.#number(at + VALUE_START), this.#number(at + VALUE_END), values);
    }
    return values;
  }

  #find(name: FieldName, from: number): number {
    return findField(this.text, this.head, idOf(name), textOf(name), from);
  }

  #valueAt(at: number): Octets {
    return slice(this.text, this.#number(at + VALUE_START), this.#number(at + VALUE_END));
  }

  #number(at: number): number {
    return this.head.fields[at] ?? 0;
  }
}

export class SipRequest extends MessageView {
  readonly kind = 'request' as const;
  readonly method: Octets;
  /** The Request-URI as it stands. */
  readonly uriText: Octets;
  #uri: Parsed<Uri> | undefined;

  constructor(text: Octets, head: Head, line: RequestLine) {
    super(text, head);
    this.method = line.method;
    this.uriText = line.uriText;
  }

  get uri(): Parsed<Uri> {
    this.#uri ??= parseUri(this.uriText);
    return this.#uri;
  }
}

export class SipResponse extends MessageView {
  readonly kind = 'response' as const;
  readonly status: number;
  /** The reason phrase as it stands: UTF-8 for people. */
  readonly reason: Octets;

  constructor(text: Octets, head: Head, line: StatusLine) {
    super(text, head);
    this.status = line.status;
    this.reason = line.reason;
  }
}
