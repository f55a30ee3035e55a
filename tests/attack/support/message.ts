/** SIP as an attacker writes it: by hand, so that nothing of ours makes it sound. */

/** One octet a character, as it comes off the wire. */
export interface Received {
  readonly text: string;
  /** 0 for a request. */
  readonly status: number;
  /** Of a response, the one in its CSeq. */
  readonly method: string;
  readonly body: string;
  header(name: string): string | undefined;
  headers(name: string): readonly string[];
}

export function read(text: string): Received {
  const split = text.indexOf('\r\n\r\n');
  const head = split < 0 ? text : text.slice(0, split);
  const lines = head.split('\r\n');
  const start = lines[0] ?? '';
  const headers = (name: string): readonly string[] =>
    lines
      .slice(1)
      .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map((line) => line.slice(name.length + 1).trim());
  const header = (name: string): string | undefined => headers(name)[0];
  const status = start.startsWith('SIP/2.0 ') ? Number(start.slice(8, 11)) : 0;
  const method = status > 0 ? (header('CSeq')?.split(' ')[1] ?? '') : (start.split(' ')[0] ?? '');
  return { text, status, method, body: split < 0 ? '' : text.slice(split + 4), header, headers };
}

let counter = 0;

/** Unlike any other of this run. */
export function unique(prefix: string): string {
  counter += 1;
  return `${prefix}${process.pid.toString(36)}x${counter.toString(36)}x${Math.random().toString(36).slice(2, 10)}`;
}

export interface Parts {
  readonly method: string;
  readonly uri: string;
  readonly from: string;
  readonly to: string;
  readonly callId?: string;
  readonly cseq?: number;
  /** Of the top Via. */
  readonly branch?: string;
  /** `host:port` of the top Via. */
  readonly sentBy: string;
  readonly transport?: 'UDP' | 'TCP';
  /** Further lines, without their line ends. */
  readonly fields?: readonly string[];
  readonly body?: string;
  readonly contentType?: string;
}

export function request(o: Parts): string {
  const { method, uri, from, to, callId = unique('c'), cseq = 1, branch = unique('z9hG4bK'), sentBy, body = '' } = o;
  const type = body === '' ? [] : [`Content-Type: ${o.contentType ?? 'application/sdp'}`];
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${o.transport ?? 'UDP'} ${sentBy};branch=${branch};rport`,
    'Max-Forwards: 70',
    `From: ${from}`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...(o.fields ?? []),
    ...type,
    `Content-Length: ${Buffer.byteLength(body, 'latin1')}`,
    '',
    body,
  ].join('\r\n');
}

/** A response to a request as it came, with these lines more. */
export function response(
  to: Received,
  status: number,
  o: { readonly tag?: string; readonly fields?: readonly string[]; readonly body?: string } = {},
): string {
  const { tag, fields = [], body = '' } = o;
  const type = body === '' ? [] : ['Content-Type: application/sdp'];
  const toValue = to.header('To') ?? '';
  return [
    `SIP/2.0 ${status} Whatever`,
    ...to.headers('Via').map((via) => `Via: ${via}`),
    `From: ${to.header('From')}`,
    `To: ${toValue.includes(';tag=') || tag === undefined ? toValue : `${toValue};tag=${tag}`}`,
    `Call-ID: ${to.header('Call-ID')}`,
    `CSeq: ${to.header('CSeq')}`,
    ...fields,
    ...type,
    `Content-Length: ${Buffer.byteLength(body, 'latin1')}`,
    '',
    body,
  ].join('\r\n');
}

/** Audio at an address. */
export function sdp(address: string, port: number, ...lines: readonly string[]): string {
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    ...lines,
    '',
  ].join('\r\n');
}

export const tagOf = (value: string | undefined): string => /;tag=([^;\s]+)/.exec(value ?? '')?.[1] ?? '';
export const uriOf = (value: string | undefined): string => /<([^>]*)>/.exec(value ?? '')?.[1] ?? '';
/** Where an SDP says audio is received. */
export const audioPort = (body: string): number => Number(/m=audio (\d+)/.exec(body)?.[1]);
