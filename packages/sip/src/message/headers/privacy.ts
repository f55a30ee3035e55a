/** `Privacy`, RFC 3323 §4.2; values are parted by semicolons, so it is read as one with parameters. */
import type { HeaderDef } from '../header.ts';
import { type TokenParams, tokenParamsHeader } from '../shapes.ts';

export const privacy: HeaderDef<TokenParams> = tokenParamsHeader('Privacy', false);
