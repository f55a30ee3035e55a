/** `Accept-Language`, RFC 3261 §20.3. */
import type { HeaderDef } from '../header.ts';
import { type TokenParams, tokenParamsHeader } from '../shapes.ts';

export const acceptLanguage: HeaderDef<TokenParams> = tokenParamsHeader('Accept-Language', true);
