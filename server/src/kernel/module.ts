/**
 * What a module is: a name, what it needs and offers, and a `setup` that wires it. Modules meet only through service
 * keys, so that each can be built, tested and deleted alone.
 */
import type { ModuleContext } from './context.ts';
import type { ServiceKey } from './service-key.ts';

export * from './service-key.ts';

export interface ServerModule {
  readonly name: string;
  /** Services that must be there; they are set up first. */
  readonly needs: readonly ServiceKey<unknown>[];
  readonly offers: readonly ServiceKey<unknown>[];
  setup(context: ModuleContext): void | Promise<void>;
}

export function defineModule(module: ServerModule): ServerModule {
  return module;
}

/** Sorts modules so that what is needed comes first. Throws a sentence naming who needs what nobody offers. */
export function orderModules(modules: readonly ServerModule[]): readonly ServerModule[] {
  const offeredBy = new Map<string, ServerModule>();
  for (const module of modules) {
    for (const { name } of module.offers) {
      const other = offeredBy.get(name);
      if (other) throw new Error(`both ${other.name} and ${module.name} offer ${name}`);
      offeredBy.set(name, module);
    }
  }
  const sorted: ServerModule[] = [];
  const state = new Map<ServerModule, 'entered' | 'done'>();
  const visit = (module: ServerModule): void => {
    if (state.get(module) === 'done') return;
    if (state.get(module) === 'entered') throw new Error(`the module ${module.name} needs itself, in a circle`);
    state.set(module, 'entered');
    for (const { name } of module.needs) {
      const provider = offeredBy.get(name);
      if (!provider) throw new Error(`the module ${module.name} needs ${name}, which no module offers`);
      visit(provider);
    }
    state.set(module, 'done');
    sorted.push(module);
  };
  for (const module of modules) visit(module);
  return sorted;
}
