/** REGISTER between message and data: what a request asks, and the response to it (RFC 3261 §10.2–10.3, 3327, 5626). */
import { faulty, lowerAscii, type Octets, octets, own, type Parsed, parsed, slice, type Wall } from '@strowger/proto';
import { requestUri } from '../dialog/index.ts';
import {
  composeResponse,
  contact as contactDef,
  expires as expiresDef,
  type Field,
  formatParams,
  type NameAddr,
  NO_PARAMS,
  type Params,
  param,
  path as pathDef,
  type SipRequest,
  supported,
  userAgent as userAgentDef,
  via,
  withoutParam,
} from '../message/index.ts';
import type { Binding, Register, RegisterContact, RegisterVerdict } from './registrar.ts';

/** Contacts in one request: more is not a phone. */
const MAX_CONTACTS = 32;
/** What of one request is kept with each binding, for hours: octets of a contact, of all of Path, of User-Agent. */
const MAX_CONTACT = 2048;
const MAX_PATH = 4096;
const MAX_AGENT = 256;

/** Reads a REGISTER that `screenMessage` found sound; a fault is answered 400. */
export function readRegister(request: SipRequest): Parsed<Register> {
  const values = request.readAll(contactDef);
  if (!values.ok) return values;
  if (values.value.length > MAX_CONTACTS) return faulty(`at most ${MAX_CONTACTS} contacts`, 0);
  const expires = request.get(expiresDef);
  const star = values.value.includes('*');
  // §10.3 step 6: `*` goes alone, and only with `Expires: 0`.
  if (star && (values.value.length > 1 || expires !== 0)) return faulty('Contact: * alone, with Expires: 0', 0);
  const path = request.rawAll(pathDef).map(own);
  if (request.rawAll(contactDef).some(({ length }) => length > MAX_CONTACT)) {
    return faulty(`a contact of at most ${MAX_CONTACT} octets`, 0);
  }
  if (path.join('').length > MAX_PATH) return faulty(`a Path of at most ${MAX_PATH} octets`, 0);
  const agent = request.raw(userAgentDef);
  const direct = request.rawAll(via).length <= 1;
  return parsed({
    callId: own(request.callId),
    cseq: request.cseq.seq,
    contacts: star ? '*' : values.value.flatMap((value) => (value === '*' ? [] : [readContact(value)])),
    ...(expires === undefined ? {} : { expires }),
    path,
    ...(agent === undefined ? {} : { userAgent: own(slice(agent, 0, MAX_AGENT)) }),
    outbound: request.getAll(supported).some((option) => lowerAscii(option) === 'outbound'),
    firstHopOutbound: direct || firstHopHasOb(request),
  });
}

function readContact(value: NameAddr): RegisterContact {
  const { uri, params } = value;
  const text = own(requestUri(uri));
  const expires = digits(param(params, 'expires'));
  const q = qvalue(param(params, 'q'));
  const instance = param(params, '+sip.instance');
  const regId = digits(param(params, 'reg-id'));
  const methods = param(params, 'methods');
  const kept = OWN_PARAMS.reduce<Params>((left, name) => withoutParam(left, name), params);
  return {
    uri,
    text,
    params: kept.length === 0 ? NO_PARAMS : kept.map(ownParam),
    ...(expires === undefined ? {} : { expires }),
    ...(q === undefined ? {} : { q }),
    ...(instance === undefined ? {} : { instance: own(instance) }),
    // RFC 5626 §4.2: 1 to 2³¹ − 1.
    ...(regId === undefined || regId < 1 || regId > 0x7fffffff ? {} : { regId }),
    ...(methods === undefined ? {} : { methods: own(methods) }),
  };
}

const OWN_PARAMS = ['expires', 'q', '+sip.instance', 'reg-id'] as const;

const ownParam = ({ name, value }: Params[number]): Params[number] =>
  value === undefined ? { name: own(name) } : { name: own(name), value: own(value) };

/** The Path value next to the UA is the last one: each proxy put its own on top (RFC 3327 §5.2). */
function firstHopHasOb(request: SipRequest): boolean {
  const uri = request.getAll(pathDef).at(-1)?.uri;
  return uri?.kind === 'sip' && param(uri.params, 'ob') !== undefined;
}

/** §20.10: what is no number of seconds counts as none given. */
function digits(text: Octets | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  return Math.min(Number(text), 0xffffffff);
}

function qvalue(text: Octets | undefined): number | undefined {
  return text !== undefined && /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : undefined;
}

/** The Contact values of a 200: every binding, with the seconds it has left (§10.3 step 8). */
export function contactValues(bindings: readonly Binding[], now: Wall): readonly Octets[] {
  return bindings.map(({ uri, q, instance, regId, params, expiresAt }) => {
    let text = octets`<${uri}>`;
    if (q !== 1) text = octets`${text};q=${q}`;
    if (instance !== undefined) text = octets`${text};+sip.instance=${instance}`;
    if (regId !== undefined) text = octets`${text};reg-id=${regId}`;
    return octets`${text}${formatParams(params)};expires=${Math.max(0, Math.ceil((expiresAt - now) / 1000))}`;
  });
}

/** The response to a REGISTER; the host adds what is its own (Date, Service-Route, Server) as `fields`. */
export function composeRegisterResponse(
  request: SipRequest,
  verdict: RegisterVerdict,
  o: { readonly now: Wall; readonly toTag: Octets; readonly fields?: readonly Field[] },
): Octets {
  const fields: Field[] = [];
  if (verdict.status === 200) {
    for (const value of contactValues(verdict.bindings, o.now)) fields.push(['Contact', value]);
    // RFC 3327 §5.3: the UA sees the path that was stored.
    if (verdict.code === 'registered') for (const value of request.rawAll(pathDef)) fields.push(['Path', value]);
    if (verdict.outbound) fields.push(['Require', octets`outbound`]);
  }
  if (verdict.status === 423) fields.push(['Min-Expires', octets`${verdict.minExpires}`]);
  return composeResponse(request, verdict.status, { toTag: o.toTag, fields: [...fields, ...(o.fields ?? [])] });
}
