/** The modules of a server: one line each. Which comes first follows from what they need. */
import type { ServerModule } from '../kernel/module.ts';
import { authModule } from '../modules/auth/module.ts';
import { callsModule } from '../modules/calls/module.ts';
import { cdrModule } from '../modules/cdr/module.ts';
import { cdrStore } from '../modules/cdr/store.ts';
import { directoryModule } from '../modules/directory/module.ts';
import { directoryStore } from '../modules/directory/store.ts';
import { healthModule } from '../modules/health/module.ts';
import { limitsModule } from '../modules/limits/module.ts';
import { locationModule } from '../modules/location/module.ts';
import { registrarModule } from '../modules/registrar/module.ts';
import { routingModule } from '../modules/routing/module.ts';
import type { StoreDefinition } from '../storage/define-store.ts';

export const modules: readonly ServerModule[] = [
  limitsModule,
  directoryModule,
  authModule,
  locationModule,
  registrarModule,
  routingModule,
  callsModule,
  cdrModule,
  healthModule,
];

/** Their tables, for the storage thread. */
export const stores: readonly StoreDefinition[] = [directoryStore, cdrStore];
