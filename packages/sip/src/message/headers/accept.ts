/** `Accept`, RFC 3261 §20.1. */
import type { HeaderDef } from '../header.ts';
import { type MediaType, mediaTypeHeader } from '../shapes.ts';

export const accept: HeaderDef<MediaType> = mediaTypeHeader('Accept', true);
