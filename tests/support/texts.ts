/** Canned messages of phones that need no parser, and the little reading that they do: cheap, and no judge of itself. */

/** The value of the first field of this name, written as our server writes names. */
export function field(text: string, name: string): string {
  const at = text.indexOf(`\r\n${name}: `);
  if (at < 0) return '';
  const start = at + name.length + 4;
  return text.slice(start, text.indexOf('\r\n', start));
}

/** All lines of this field, with their line breaks. */
export function lines(text: string, name: string): string {
  let out = '';
  for (let at = text.indexOf(`\r\n${name}: `); at >= 0; at = text.indexOf(`\r\n${name}: `, at + 2)) {
    out += text.slice(at + 2, text.indexOf('\r\n', at + 2) + 2);
  }
  return out;
}

/** The URI within the brackets of a name-addr. */
export function uriOf(value: string): string {
  const start = value.indexOf('<');
  return start < 0 ? value : value.slice(start + 1, value.indexOf('>', start));
}

/** A parameter of a challenge. */
export function challengeParam(value: string, name: string): string {
  const at = value.indexOf(`${name}="`);
  return at < 0 ? '' : value.slice(at + name.length + 2, value.indexOf('"', at + name.length + 2));
}

export function sdp(address: string, port: number): string {
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 8 0 101`,
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=sendrecv',
    '',
  ].join('\r\n');
}
