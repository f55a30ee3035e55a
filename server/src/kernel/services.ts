/** Hands each module its context, and keeps who offers what. */

import type { MediaPort } from '../media/port.ts';
import type { StoreClient, StoreDefinition } from '../storage/define-store.ts';
import type { ModuleContext, Stoppable } from './context.ts';
import type { JournalSpace } from './journal-space.ts';
import type { ServerModule, ServiceKey } from './module.ts';
import type { KernelParts } from './parts.ts';
import { CallbackTimer } from './timer.ts';

type Hook = { readonly module: string; readonly run: () => void | Promise<void> };

export class ServiceTable {
  readonly #kernel: KernelParts;
  readonly #services = new Map<string, unknown>();
  readonly #ready: Hook[] = [];
  readonly #stop: Hook[] = [];

  constructor(kernel: KernelParts) {
    this.#kernel = kernel;
  }

  async ready(): Promise<void> {
    for (const { run } of this.#ready) await run();
  }

  /** The last that was set up stops first: what it needs is still there. */
  async stop(): Promise<void> {
    for (const { module, run } of this.#stop.reverse()) {
      try {
        await run();
      } catch (error) {
        this.#kernel.log.error('module-stop-failed', { module, error: String(error) });
      }
    }
  }

  contextOf(module: ServerModule): ModuleContext {
    const kernel = this.#kernel;
    const { host } = kernel;
    return {
      module: module.name,
      config: host.config,
      secrets: host.secrets,
      clock: host.clock,
      random: host.random,
      hashes: host.hashes,
      listening: host.transports.listening,
      log: host.log.child({ module: module.name }),
      bounds: kernel.bounds,
      counters: kernel.counters,
      sip: kernel.sip,
      media: host.media as MediaPort,
      screen: (link) => kernel.screen.add(link),
      authenticate: (link) => kernel.authenticate.add(link),
      route: (link) => kernel.route.add(link),
      handle: (method, handler, pkg) => kernel.claims.add(module.name, method, handler, pkg),
      onRefused: (run) => void kernel.onRefused.push(run),
      provide: (key, service) => this.#provide(module, key, service),
      use: (key) => this.#use(module, key),
      find: <S>(key: ServiceKey<S>) => this.#services.get(key.name) as S | undefined,
      after: (ms, run) => this.#after(module.name, ms, run),
      store: <D extends StoreDefinition>(definition: D): StoreClient<D> => host.store(definition),
      space: <T>(name: string): JournalSpace<T> => this.#space(`${module.name}.${name}`),
      canPromise: () => host.journal.sound,
      publish: (name, value) => host.publish(name, value),
      onReady: (run) => void this.#ready.push({ module: module.name, run }),
      onStop: (run) => void this.#stop.push({ module: module.name, run }),
      kernelReport: () => kernel.report(),
    };
  }

  #space<T>(name: string): JournalSpace<T> {
    const space = this.#kernel.host.journal.space<T>(name);
    return {
      load: () => space.load(),
      put: (key, record, until) => {
        space.put(key, record, until);
        this.#kernel.writeSoon();
      },
      delete: (key) => {
        space.delete(key);
        this.#kernel.writeSoon();
      },
    };
  }

  #after(module: string, ms: number, run: () => void): Stoppable {
    const { host } = this.#kernel;
    const timer = new CallbackTimer(host.wheel, () => this.#kernel.guard(`timer of ${module}`, run));
    timer.start(host.clock.now(), ms);
    host.poke();
    return timer;
  }

  #provide<S>(module: ServerModule, key: ServiceKey<S>, service: S): void {
    if (!module.offers.some(({ name }) => name === key.name)) {
      throw new Error(`the module ${module.name} provides ${key.name} without offering it`);
    }
    this.#services.set(key.name, service);
  }

  #use<S>(module: ServerModule, key: ServiceKey<S>): S {
    if (!module.needs.some(({ name }) => name === key.name)) {
      throw new Error(`the module ${module.name} uses ${key.name} without needing it`);
    }
    const service = this.#services.get(key.name);
    if (service === undefined) throw new Error(`${key.name} was offered but never provided`);
    return service as S;
  }
}
