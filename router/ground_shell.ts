/**
 * What a router stands on: its store, its name, the bridge and the TAP.
 *
 * @module
 */

import type { Logger, PeerName } from "../base/mod.ts";
import { type HostState, prepareHost } from "../switch/mod.ts";
import { passwordWarnings, type RouterConfig } from "./config/mod.ts";
import { checkRange } from "./host_view_shell.ts";
import { chooseName } from "./identity.ts";
import { lockHolder, machineIdentity } from "./machine_shell.ts";
import { checkName, type OfferedOverlays } from "./overlays.ts";
import { Store, StoreError } from "./store.ts";

/** What was found and made on the way up, before the parts run. */
export interface Ground {
  /** How the router is set up. */
  readonly config: RouterConfig;
  /** Where lines go. */
  readonly log: Logger;
  /** What survives. */
  readonly store: Store;
  /** Our name. */
  readonly name: PeerName;
  /** Whom we are told of. */
  readonly targets: readonly string[];
  /** Overlays that are offered. */
  readonly overlays: readonly string[];
  /** Bridge and TAP. */
  readonly host: HostState;
  /** What the operator should know. */
  readonly warnings: readonly string[];
}

/** Opens the store. @throws {StoreError} with the process that has it open, if one has */
export function openStore(stateDir: string): Store {
  try {
    return Store.open(stateDir);
  } catch (error) {
    if (!(error instanceof StoreError) || !error.locked) throw error;
    const pid = lockHolder(Store.fileIn(stateDir));
    if (pid === undefined) throw error;
    throw new StoreError(`${error.message} (process ${pid})`, true);
  }
}

function openWarnings({ httpAddress }: RouterConfig): string[] {
  if (httpAddress === undefined) return [];
  const { host, port } = httpAddress;
  return [`whoever reaches ${host}:${port} changes this network without a password (--http-addr)`];
}

/** Checks and makes what comes before the parts: name, bridge, TAP. @throws {Error} one line that says what failed */
export function prepare(
  config: RouterConfig,
  log: Logger,
  store: Store,
  overlays: OfferedOverlays,
): Ground {
  const machine = machineIdentity();
  const random = crypto.getRandomValues(new Uint8Array(6));
  const { name, warning } = chooseName(config.name, store.identity(), machine, random);
  checkName(name, overlays.names);
  store.setIdentity({ name, ...machine });
  const targets = config.resume ? store.targets() : config.targets;
  const { bridge, tap, mtuBytes } = config;
  const host = prepareHost({ bridge, tap, mtuBytes, mac: name });
  const range = config.ipam === undefined ? undefined : checkRange(config.ipam, host.bridge);
  const warnings = [
    ...(config.passwords.length === 0 ? ["no password: data is sent in clear"] : []),
    ...passwordWarnings(config.passwords),
    ...openWarnings(config),
    ...[warning, overlays.warning, range].filter((line) => line !== undefined),
    ...(mtuBytes === undefined || mtuBytes === host.mtuBytes
      ? []
      : [`the bridge "${host.bridge}" keeps its MTU of ${host.mtuBytes}, not ${mtuBytes}`]),
  ];
  for (const line of warnings) log.warn(line);
  if (config.network !== undefined) log.info("network", { address: config.network });
  return { config, log, store, name, targets, overlays: overlays.names, host, warnings };
}
