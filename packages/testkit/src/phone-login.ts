/** A scripted phone's credentials: what it answers challenges with, and what it remembers of them. */
import { encode, type Octets, randomHex } from '@strowger/proto';
import { digestClient } from '@strowger/sip/auth';
import type { Field, SipResponse } from '@strowger/sip/message';
import type { PhoneOptions } from './phone.ts';

/** The fields for a request, and what was tried with it so far. */
export interface Credentials {
  readonly fields: readonly Field[];
  readonly tries: digestClient.DigestTries;
}

export class PhoneLogin {
  readonly #options: PhoneOptions;
  readonly #refused: (why: string) => void;
  #memory: digestClient.DigestMemory = [];

  constructor(options: PhoneOptions, refused: (why: string) => void) {
    this.#options = options;
    this.#refused = refused;
  }

  /** For a new request, from what is remembered. */
  credentials(method: string, uri: Octets): Credentials {
    const request = { method: encode(method), uri };
    const { memory, tries, fields } = digestClient.authorize(this.#memory, request, this.#digest());
    this.#memory = memory;
    return { fields, tries };
  }

  /** For another try after a 401 or 407, or nothing where there is no use. */
  answer(response: SipResponse, method: string, uri: Octets, tries: digestClient.DigestTries): Credentials | undefined {
    const proxy = response.status === 407;
    const challenges = response.rawAll(proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate');
    const cnonce = encode(randomHex(this.#options.host.random, 8));
    const outcome = digestClient.onChallenge(
      { memory: this.#memory, tries },
      { proxy, challenges, cnonce },
      { method: encode(method), uri },
      this.#digest(),
    );
    this.#memory = outcome.memory;
    if (outcome.kind === 'retry') return { fields: outcome.fields, tries: outcome.tries };
    this.#refused(outcome.code);
    return undefined;
  }

  #digest(): digestClient.DigestClientOptions {
    const { user, password, realm, domain } = this.#options;
    if (password === undefined) return { logins: [] };
    return { logins: [{ user: encode(user), password: encode(password), realm: encode(realm ?? domain) }] };
  }
}
