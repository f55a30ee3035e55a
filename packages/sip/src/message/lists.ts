/** Which of the fields we know hold several values on a line, parted by commas (RFC 3261 §7.3.1). */
import type { FieldName } from './head.ts';
import { headerId } from './names.ts';

const LISTS: ReadonlySet<number> = new Set(
  [
    ...['Via', 'Contact', 'Route', 'Record-Route', 'Path', 'Service-Route', 'Accept', 'Accept-Encoding'],
    ...['Accept-Language', 'Alert-Info', 'Allow', 'Call-Info', 'Content-Encoding', 'Content-Language', 'Error-Info'],
    ...['In-Reply-To', 'Proxy-Require', 'Require', 'Supported', 'Unsupported', 'Warning', 'Allow-Events', 'Reason'],
    ...['P-Asserted-Identity', 'P-Preferred-Identity', 'History-Info', 'Diversion', 'Accept-Contact'],
    ...['Reject-Contact', 'Request-Disposition', 'P-Associated-URI', 'Security-Client', 'Security-Server'],
    ...['Security-Verify', 'Recv-Info', 'Geolocation', 'Feature-Caps', 'Resource-Priority'],
  ].map(headerId),
);

/** A definition knows by itself; of an unknown field the grammar is not known, so a line is one value. */
export function isListField(name: FieldName): boolean {
  return typeof name === 'string' ? LISTS.has(headerId(name)) : name.list;
}
