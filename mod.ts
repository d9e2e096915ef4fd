/**
 * weft as a library: run a router inside a program of your own.
 *
 * ```ts
 * import { parseLaunch, resolveConfig, Router } from "@weft/weft";
 * const { config } = resolveConfig(parseLaunch(["--nickname", "here"], Deno.env.get), system);
 * const router = await Router.start(config, { log });
 * ...
 * await router.stop();
 * ```
 *
 * Nothing else of this tree is promised to embedders.
 *
 * @module
 */

export type { LogFields, Logger, LogLevel, PeerName } from "./base/mod.ts";
export {
  type ConfigSystem,
  parseLaunch,
  type RawOptions,
  resolveConfig,
  type Resolved,
  type RouterConfig,
  UsageError,
} from "./router/config/mod.ts";
export { AlreadyRunningError, Router, type RouterHooks, VERSION } from "./router/mod.ts";
export type { ConnectionRow, MacRow, StatusSnapshot } from "./router/status/mod.ts";
