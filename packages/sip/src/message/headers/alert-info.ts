/** `Alert-Info`, RFC 3261 §20.4. */
import type { HeaderDef } from '../header.ts';
import { type UriRef, uriRefHeader } from '../shapes.ts';

export const alertInfo: HeaderDef<UriRef> = uriRefHeader('Alert-Info');
