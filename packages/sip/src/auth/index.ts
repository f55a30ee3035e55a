export * from './answer.ts';
export type {
  Authorized,
  ChallengeOutcome,
  DigestClientOptions,
  DigestMemory,
  DigestTries,
  RealmLogin,
} from './client.ts';
export * as digestClient from './client.ts';
export * from './credentials.ts';
export * from './digest.ts';
export { type DigestAlgorithm, HASHES, type HashFunctions, hash, hmacSha256, type Mac } from './hash/hash.ts';
export { type NonceOptions, NonceStore, type NonceUse, type NonceVerdict } from './nonce-store.ts';
export * from './server.ts';
export { sameUri, type UriRule } from './uri-rule.ts';
