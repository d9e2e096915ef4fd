/**
 * What the user wants: words of the command line and environment in, one frozen configuration out.
 *
 * ```
 *   argv, env -> parse.ts -> RawOptions (strings) -> resolve.ts -> RouterConfig (frozen)
 *                   |                                    |
 *                options.ts  all options, their names    places.ts  where things lie
 * ```
 *
 * Every default is here, and so is every refusal of a value. Nothing behind it reads flags or the environment. It touches the
 * system only through what it is handed, loads nothing of the router, and so is cheap for a command that only asks where the
 * socket is.
 *
 * Callers: the CLI, `router/` and embedders.
 *
 * @module
 */

export { type LaunchOption, OPTIONS } from "./options.ts";
export { type Environment, parseLaunch, type RawOptions } from "./parse.ts";
export { passwordWarnings } from "./password.ts";
export { type Places, resolvePlaces } from "./places.ts";
export {
  type ConfigSystem,
  type LaunchMode,
  type ListenAddress,
  resolveConfig,
  type Resolved,
  type RouterConfig,
} from "./resolve.ts";
export { type DnsSettings } from "./dns_options.ts";
export { type IpamSettings, overlaps, parseSubnet } from "./ipam_options.ts";
export { UsageError } from "./usage_error.ts";
export { VERSION } from "../version.ts";
