/** Extensions that a request demands (RFC 3261 §8.2.2.3, §16.3 step 5): whoever does not understand one of them says so. */
import { join, lowerAscii, octets } from '@strowger/proto';
import { proxyRequire, require, type SipRequest } from '@strowger/sip';
import { refuse, type Verdict } from './exchange.ts';
import { because } from './reason.ts';

/** A 420 that lists what is not understood; `undefined` when all is. `supported` in lower case. */
export function refuseUnsupported(request: SipRequest, supported: ReadonlySet<string>): Verdict | undefined {
  if (!request.has(require) && !request.has(proxyRequire)) return undefined;
  const wanted = [...request.getAll(require), ...request.getAll(proxyRequire)];
  const unknown = wanted.filter((tag) => !supported.has(lowerAscii(tag)));
  if (unknown.length === 0) return undefined;
  const list = join(unknown, octets`, `);
  return refuse(420, because('extension-required', { options: unknown.length }), [['Unsupported', list]]);
}
