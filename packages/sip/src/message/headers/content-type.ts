/** `Content-Type`, RFC 3261 §20.15. */
import type { HeaderDef } from '../header.ts';
import { type MediaType, mediaTypeHeader } from '../shapes.ts';

export const contentType: HeaderDef<MediaType> = mediaTypeHeader('Content-Type', false, 'c');
