/** `Accept-Encoding`, RFC 3261 §20.2. */
import type { HeaderDef } from '../header.ts';
import { type TokenParams, tokenParamsHeader } from '../shapes.ts';

export const acceptEncoding: HeaderDef<TokenParams> = tokenParamsHeader('Accept-Encoding', true);
