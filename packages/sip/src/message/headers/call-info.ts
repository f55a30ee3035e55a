/** `Call-Info`, RFC 3261 §20.9. */
import type { HeaderDef } from '../header.ts';
import { type UriRef, uriRefHeader } from '../shapes.ts';

export const callInfo: HeaderDef<UriRef> = uriRefHeader('Call-Info');
