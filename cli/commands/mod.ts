/**
 * All commands, in the order of the help.
 *
 * A command is a file with a record and a line in the list; help follows. What is heavy it imports when it runs, so that
 * `weft status` does not load the router.
 *
 * @module
 */

import type { Command } from "../command.ts";
import { attachCommand } from "./attach.ts";
import { connectCommand } from "./connect.ts";
import { detachCommand } from "./detach.ts";
import { dnsAddCommand, dnsArgsCommand, dnsLookupCommand, dnsRemoveCommand } from "./dns.ts";
import { dockerBridgeIpCommand } from "./docker_bridge_ip.ts";
import { exposeCommand } from "./expose.ts";
import { forgetCommand } from "./forget.ts";
import { helpCommand } from "./help.ts";
import { hideCommand } from "./hide.ts";
import { ipamCommand } from "./ipam.ts";
import { keygenCommand } from "./keygen.ts";
import { launchCommand } from "./launch.ts";
import { logsCommand } from "./logs.ts";
import { primeCommand } from "./prime.ts";
import { psCommand } from "./ps.ts";
import { reportCommand } from "./report.ts";
import { resetCommand } from "./reset.ts";
import { rmpeerCommand } from "./rmpeer.ts";
import { runCommand } from "./run.ts";
import { startCommand } from "./start.ts";
import { statusCommand } from "./status.ts";
import { stopCommand } from "./stop.ts";
import { versionCommand } from "./version.ts";

export type { Command, CommandOption, Given, Io } from "../command.ts";

/** All commands. */
export const COMMANDS: readonly Command[] = [
  launchCommand,
  stopCommand,
  resetCommand,
  statusCommand,
  runCommand,
  startCommand,
  attachCommand,
  detachCommand,
  exposeCommand,
  hideCommand,
  connectCommand,
  forgetCommand,
  psCommand,
  dnsAddCommand,
  dnsRemoveCommand,
  dnsLookupCommand,
  dnsArgsCommand,
  dockerBridgeIpCommand,
  primeCommand,
  rmpeerCommand,
  ipamCommand,
  reportCommand,
  logsCommand,
  keygenCommand,
  versionCommand,
  helpCommand,
];
