/**
 * The header field names we know, each with a number: the index of a message holds numbers, so a field is found without
 * comparing texts. A name is matched without case and without allocating; compact forms are the same field (§7.3.3).
 */
import type { Octets } from '@strowger/proto';
import { lowerCode } from './chars.ts';

/** Name and compact form; the place in the list is the id. */
// biome-ignore format: a table reads better dense
const NAMES: readonly (readonly [name: string, compact?: string])[] = [
  ['?'],
  ['Via', 'v'], ['From', 'f'], ['To', 't'], ['Call-ID', 'i'], ['CSeq'], ['Max-Forwards'], ['Contact', 'm'],
  ['Content-Length', 'l'], ['Content-Type', 'c'], ['Route'], ['Record-Route'], ['Expires'], ['Min-Expires'],
  ['Accept'], ['Accept-Encoding'], ['Accept-Language'], ['Alert-Info'], ['Allow'], ['Authentication-Info'],
  ['Authorization'], ['Call-Info'], ['Content-Disposition'], ['Content-Encoding', 'e'], ['Content-Language'],
  ['Date'], ['Error-Info'], ['In-Reply-To'], ['MIME-Version'], ['Organization'], ['Priority'], ['Proxy-Authenticate'],
  ['Proxy-Authorization'], ['Proxy-Require'], ['Reply-To'], ['Require'], ['Retry-After'], ['Server'], ['Subject', 's'],
  ['Supported', 'k'], ['Timestamp'], ['Unsupported'], ['User-Agent'], ['Warning'], ['WWW-Authenticate'],
  ['Event', 'o'], ['Allow-Events', 'u'], ['Subscription-State'], ['Refer-To', 'r'], ['Referred-By', 'b'],
  ['Session-Expires', 'x'], ['Min-SE'], ['Replaces'], ['Reason'], ['Path'], ['Service-Route'], ['RSeq'], ['RAck'],
  ['P-Asserted-Identity'], ['P-Preferred-Identity'], ['Privacy'], ['SIP-ETag'], ['SIP-If-Match'], ['Join'],
  ['Refer-Sub'], ['History-Info'], ['Diversion'], ['Remote-Party-ID'], ['Accept-Contact', 'a'],
  ['Reject-Contact', 'j'], ['Request-Disposition', 'd'], ['Identity', 'y'], ['Target-Dialog'], ['Flow-Timer'],
  ['Recv-Info'], ['Info-Package'], ['Geolocation'], ['User-to-User'], ['P-Access-Network-Info'], ['P-Charging-Vector'],
  ['P-Associated-URI'], ['P-Called-Party-ID'], ['Security-Client'], ['Security-Server'], ['Security-Verify'],
  ['Session-ID'], ['Answer-Mode'], ['Priv-Answer-Mode'], ['Feature-Caps'], ['Max-Breadth'], ['Resource-Priority'],
];

/** The id of a field whose name we do not know. */
export const UNKNOWN = 0;

const BUCKETS = 512;
/** Per bucket the first entry; entries with the same hash are chained. Names in lower case. */
const heads = new Int16Array(BUCKETS).fill(-1);
const entries: { readonly form: string; readonly name: string; readonly id: number; readonly next: number }[] = [];

NAMES.forEach(([name, compact], id) => {
  for (const form of compact === undefined ? [name] : [name, compact]) {
    // lint-allow octets-case: a name of the table above, which is ASCII
    const lower = form.toLowerCase();
    const bucket = hashOf(lower, 0, lower.length);
    entries.push({ form, name: lower, id, next: heads[bucket] ?? -1 });
    heads[bucket] = entries.length - 1;
  }
});

/** Length, first, second last and middle octet: cheap, and apart enough for the names there are. */
function hashOf(text: string, start: number, end: number): number {
  const length = end - start;
  const first = text.charCodeAt(start) | 0x20;
  const last = text.charCodeAt(end - (length > 1 ? 2 : 1)) | 0x20;
  const middle = text.charCodeAt(start + (length >> 1)) | 0x20;
  return (length * 37 + first * 7 + last * 3 + middle * 61) & (BUCKETS - 1);
}

/** The id of the name that stands at `start`…`end`, or `UNKNOWN`. */
export function headerIdAt(text: string, start: number, end: number): number {
  if (end <= start) return UNKNOWN;
  for (let at = heads[hashOf(text, start, end)] ?? -1; at >= 0; ) {
    const entry = entries[at];
    if (entry === undefined) return UNKNOWN;
    // As the RFCs spell it, mostly; the loop is for the rest.
    if (entry.form.length === end - start && text.startsWith(entry.form, start)) return entry.id;
    if (sameNameAt(text, start, end, entry.name)) return entry.id;
    at = entry.next;
  }
  return UNKNOWN;
}

/** The id of a name in either form and any case. */
export function headerId(name: string): number {
  return headerIdAt(name, 0, name.length);
}

/** The long form of a known field's name, as RFCs write it. */
export function headerName(id: number): Octets {
  return (NAMES[id]?.[0] ?? '?') as Octets;
}

/** Whether `lower` (ASCII in lower case) stands at `start`…`end` in whatever case. */
export function sameNameAt(text: string, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i += 1) {
    if (lowerCode(text.charCodeAt(start + i)) !== lower.charCodeAt(i)) return false;
  }
  return true;
}
