/**
 * `weft docker-bridge-ip`: the address of Docker's bridge, for scripts.
 *
 * @module
 */

import { command, CommandError } from "../command.ts";

/** `weft docker-bridge-ip`. */
export const dockerBridgeIpCommand = command({
  name: "docker-bridge-ip",
  summary: "print the address of Docker's bridge",
  args: "",
  count: [0, 0],
  options: {},
  details: "The bridge is docker0, or what DOCKER_BRIDGE says. No line end is printed.",
  async run(_words, _options, io): Promise<void> {
    const bridge = io.env("DOCKER_BRIDGE") || "docker0";
    const { addressesOfLink } = await import("../../router/mod.ts");
    const [address] = addressesOfLink(bridge);
    if (address !== undefined) return io.out(address);
    throw new CommandError(
      `Cannot tell the address of Docker's bridge: "${bridge}" is not there or has none; ` +
        "DOCKER_BRIDGE names another",
    );
  },
});
