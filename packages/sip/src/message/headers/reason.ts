/** `Reason`, RFC 3326 §2; one value a protocol. */
import type { HeaderDef } from '../header.ts';
import { type TokenParams, tokenParamsHeader } from '../shapes.ts';

export const reason: HeaderDef<TokenParams> = tokenParamsHeader('Reason', true);
