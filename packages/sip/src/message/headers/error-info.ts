/** `Error-Info`, RFC 3261 §20.18. */
import type { HeaderDef } from '../header.ts';
import { type UriRef, uriRefHeader } from '../shapes.ts';

export const errorInfo: HeaderDef<UriRef> = uriRefHeader('Error-Info');
