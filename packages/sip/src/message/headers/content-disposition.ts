/** `Content-Disposition`, RFC 3261 §20.11. */
import type { HeaderDef } from '../header.ts';
import { type TokenParams, tokenParamsHeader } from '../shapes.ts';

export const contentDisposition: HeaderDef<TokenParams> = tokenParamsHeader('Content-Disposition', false);
