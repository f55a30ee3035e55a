/**
 * Forwarding: a message's text with a few values changed and everything else octet for octet as it came. A message
 * without a Content-Length is given one, so that what comes out can go over a stream as well.
 */
import type { Octets } from '@strowger/proto';
import {
  END,
  FIELD,
  type FieldName,
  findField,
  type Head,
  idOf,
  START,
  textOf,
  VALUE_END,
  VALUE_START,
} from './head.ts';
import { isListField } from './lists.ts';
import type { SipMessage } from './message.ts';
import { headerId } from './names.ts';
import { nextComma } from './scanner.ts';

/** One change. `index` counts a field's values over all its lines, from 0, as `rawAll` gives them before any edit. */
export type Edit =
  /** The start line, without its line break. */
  | { readonly op: 'start'; readonly line: Octets }
  /** A line of its own, before all fields or after them. */
  | { readonly op: 'insert'; readonly at: 'top' | 'end'; readonly name: FieldName; readonly value: Octets }
  /** A new first value of this field: a line above its others, or behind the Vias where there is none. */
  | { readonly op: 'prepend'; readonly name: FieldName; readonly value: Octets }
  | { readonly op: 'replace'; readonly name: FieldName; readonly index: number; readonly value: Octets }
  | { readonly op: 'delete'; readonly name: FieldName; readonly index: number }
  /** Every line of this field. */
  | { readonly op: 'remove'; readonly name: FieldName }
  /** Another body; with none its Content-Type goes too. */
  | { readonly op: 'body'; readonly body: Octets; readonly contentType?: Octets };

/** A stretch of the text and what takes its place. `rank` orders what stands at one point. */
interface Patch {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly rank: number;
}

const RANK_TOP = 0;
const RANK_PREPEND = 1;
const RANK_VALUE = 2;
const RANK_END = 3;

/** Applies edits to a message; they do not see one another, except that later prepends stand above earlier ones. */
export function splice(message: SipMessage, edits: readonly Edit[]): Octets {
  const patches: Patch[] = [];
  let body: Extract<Edit, { op: 'body' }> | undefined;
  let touched: ValueEdit[] | undefined;
  for (const edit of edits) {
    switch (edit.op) {
      case 'start':
        patches.push({ start: 0, end: message.head.start - 2, text: edit.line, rank: RANK_TOP });
        break;
      case 'insert':
        patches.push(insertion(message, edit.at, edit.name, edit.value));
        break;
      case 'prepend':
        patches.unshift(prepending(message, edit.name, edit.value));
        break;
      case 'replace':
      case 'delete':
        touched = addValueEdit(touched, edit);
        break;
      case 'remove':
        removeLines(message, edit.name, patches);
        break;
      case 'body':
        body = edit;
        break;
    }
  }
  if (touched !== undefined) for (const edit of touched) editValues(message, edit, patches);
  if (body !== undefined) replaceBody(message, body, patches);
  else if (!message.has(CONTENT_LENGTH)) {
    patches.push(insertion(message, 'end', 'Content-Length', `${message.body.length}` as Octets));
  }
  return apply(message.text, patches);
}

const VIA = headerId('Via');
const CONTENT_LENGTH = 'Content-Length';
const CONTENT_TYPE = 'Content-Type';

/** All value edits of one field. */
interface ValueEdit {
  readonly id: number;
  readonly name: FieldName;
  /** By value index; null deletes. */
  readonly changes: Map<number, Octets | null>;
}

function addValueEdit(all: ValueEdit[] | undefined, edit: Extract<Edit, { op: 'replace' | 'delete' }>): ValueEdit[] {
  const list = all ?? [];
  const id = idOf(edit.name);
  const name = textOf(edit.name);
  // lint-allow octets-case: field names are tokens, which are ASCII
  let of = list.find((e) => e.id === id && (id !== 0 || textOf(e.name).toLowerCase() === name.toLowerCase()));
  if (of === undefined) {
    of = { id, name: edit.name, changes: new Map() };
    list.push(of);
  }
  of.changes.set(edit.index, edit.op === 'delete' ? null : edit.value);
  return list;
}

function insertion({ head }: SipMessage, at: 'top' | 'end', name: FieldName, value: Octets): Patch {
  const text = `${textOf(name)}: ${value}\r\n`;
  return at === 'top'
    ? { start: head.start, end: head.start, text, rank: RANK_TOP }
    : { start: head.end, end: head.end, text, rank: RANK_END };
}

function prepending({ text, head }: SipMessage, name: FieldName, value: Octets): Patch {
  const at = findField(text, head, idOf(name), textOf(name), 0);
  const start = at < 0 ? behindVias(head) : (head.fields[at + START] ?? head.start);
  return { start, end: start, text: `${textOf(name)}: ${value}\r\n`, rank: RANK_PREPEND };
}

/** Where routing fields stand by custom, for those who look at the top for them (§7.3.1). */
function behindVias({ fields, start }: Head): number {
  let at = 0;
  while (fields[at] === VIA) at += FIELD;
  return at === 0 ? start : (fields[at - FIELD + END] ?? start);
}

function removeLines({ text, head }: SipMessage, name: FieldName, patches: Patch[]): void {
  const id = idOf(name);
  const word = textOf(name);
  const { fields } = head;
  for (let at = findField(text, head, id, word, 0); at >= 0; at = findField(text, head, id, word, at + FIELD)) {
    patches.push({ start: fields[at + START] ?? 0, end: fields[at + END] ?? 0, text: '', rank: RANK_VALUE });
  }
}

function editValues(message: SipMessage, { id, name, changes }: ValueEdit, patches: Patch[]): void {
  const { text, head } = message;
  const list = isListField(name);
  const word = textOf(name);
  let index = 0;
  for (let at = findField(text, head, id, word, 0); at >= 0; at = findField(text, head, id, word, at + FIELD)) {
    const start = head.fields[at + VALUE_START] ?? 0;
    const end = head.fields[at + VALUE_END] ?? 0;
    const line = { start: head.fields[at + START] ?? 0, end: head.fields[at + END] ?? 0 };
    if (!list) {
      const change = changes.get(index);
      index += 1;
      if (change === null) patches.push({ ...line, text: '', rank: RANK_VALUE });
      else if (change !== undefined) patches.push({ start, end, text: change, rank: RANK_VALUE });
    } else if (start < end) index = editLine(text, start, end, line, index, changes, patches);
  }
}

/** One line of a list field; returns the index of the next line's first value. */
function editLine(
  text: Octets,
  start: number,
  end: number,
  line: { readonly start: number; readonly end: number },
  first: number,
  changes: ReadonlyMap<number, Octets | null>,
  patches: Patch[],
): number {
  const kept: string[] = [];
  let changed = false;
  let index = first;
  for (let pos = start; ; index += 1) {
    const comma = nextComma(text, pos, end);
    const change = changes.get(index);
    if (change !== undefined) changed = true;
    // What stays keeps the white space that it had between the commas.
    if (change === undefined) kept.push(text.slice(pos, comma));
    else if (change !== null) kept.push(pos === start ? change : ` ${change}`);
    if (comma >= end) break;
    pos = comma + 1;
  }
  if (!changed) return index + 1;
  if (kept.length === 0) patches.push({ ...line, text: '', rank: RANK_VALUE });
  else patches.push({ start, end, text: withoutLeadingLws(kept.join(',')), rank: RANK_VALUE });
  return index + 1;
}

/** The first value that stayed may have stood behind a comma and a fold. */
function withoutLeadingLws(text: string): string {
  let from = 0;
  while (from < text.length && text.charCodeAt(from) <= 0x20) from += 1;
  return from === 0 ? text : text.slice(from);
}

function replaceBody(message: SipMessage, edit: Extract<Edit, { op: 'body' }>, patches: Patch[]): void {
  const { text, head } = message;
  patches.push({ start: head.end + 2, end: text.length, text: edit.body, rank: RANK_VALUE });
  setField(message, CONTENT_LENGTH, `${edit.body.length}` as Octets, patches);
  if (edit.body === '') removeLines(message, CONTENT_TYPE, patches);
  else if (edit.contentType !== undefined) setField(message, CONTENT_TYPE, edit.contentType, patches);
}

function setField(message: SipMessage, name: string, value: Octets, patches: Patch[]): void {
  const at = findField(message.text, message.head, headerId(name), name, 0);
  if (at < 0) patches.push(insertion(message, 'end', name, value));
  else {
    const { fields } = message.head;
    patches.push({
      start: fields[at + VALUE_START] ?? 0,
      end: fields[at + VALUE_END] ?? 0,
      text: ` ${value}`.slice(needsSpace(message.text, fields[at + VALUE_START] ?? 0)),
      rank: RANK_VALUE,
    });
  }
}

/** 0 when a value that begins here would stick to its colon. */
function needsSpace(text: Octets, at: number): 0 | 1 {
  return text.charCodeAt(at - 1) === 0x3a ? 0 : 1;
}

function apply(text: Octets, patches: Patch[]): Octets {
  patches.sort((a, b) => a.start - b.start || a.rank - b.rank);
  let out = '';
  let pos = 0;
  for (const { start, end, text: insert } of patches) {
    // A value edit inside a line that is removed as a whole has nothing left to change.
    if (start < pos) continue;
    out += text.slice(pos, start) + insert;
    pos = end;
  }
  return (out + text.slice(pos)) as Octets;
}
