/** The index of a head: five numbers a field, in one plain array of small integers. */
import { type Octets, slice } from '@strowger/proto';
import { CLASS, TOKEN } from './chars.ts';
import type { HeaderDef } from './header.ts';
import { headerId, sameNameAt, UNKNOWN } from './names.ts';

/** Offsets within a field's entry, and its size. */
export const ID = 0;
export const START = 1;
export const VALUE_START = 2;
export const VALUE_END = 3;
/** Behind the field's last line break, where the next begins. */
export const END = 4;
export const FIELD = 5;

/** What is wrong with a head's form that yet can be answered. */
export type Flaw =
  /** A request line with too much or too little white space, or an unreadable piece. */
  | 'start-line'
  | 'version'
  /** A line that is no `name: value`. */
  | 'field'
  /** No empty line after the fields: cut off on its way, or written so. */
  | 'unfinished'
  /** A CR or LF that ends no line: the tool of smugglers. */
  | 'bare-control';

export interface Head {
  /** Where the first field begins. */
  readonly start: number;
  /** Where the empty line begins. */
  readonly end: number;
  readonly fields: readonly number[];
  readonly flaw: Flaw | undefined;
  readonly hasNul: boolean;
}

/** A field as callers name it. */
export type FieldName = string | Pick<HeaderDef<unknown>, 'id' | 'name' | 'list'>;

/** The place in `fields` of the next field of this name from `from` on; -1 when there is none. */
export function findField(text: Octets, head: Head, id: number, name: string, from: number): number {
  const { fields } = head;
  for (let i = from; i < fields.length; i += FIELD) {
    if (fields[i] === id && (id !== UNKNOWN || isNamed(text, fields[i + START] ?? 0, name))) return i;
  }
  return -1;
}

export function idOf(name: FieldName): number {
  return typeof name === 'string' ? headerId(name) : name.id;
}

export function textOf(name: FieldName): string {
  return typeof name === 'string' ? name : name.name;
}

/** The name of the field whose line begins at `start`, as written. */
export function nameAt(text: Octets, start: number): Octets {
  return slice(text, start, nameEnd(text, start));
}

function nameEnd(text: Octets, start: number): number {
  let pos = start;
  while (((CLASS[text.charCodeAt(pos)] ?? 0) & TOKEN) !== 0) pos += 1;
  return pos;
}

function isNamed(text: Octets, start: number, name: string): boolean {
  // lint-allow octets-case: a field name is a token, which is ASCII
  return sameNameAt(text, start, nameEnd(text, start), name.toLowerCase());
}
