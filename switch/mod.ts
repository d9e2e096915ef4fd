/**
 * The data plane: frames between the bridge of this host and the tunnels to other hosts.
 *
 * ```
 *   containers -- bridge -- TAP == worker thread == UDP -- underlay -- other routers
 *                                   |   ^
 *                         contract.ts, and counters in shared memory
 *                                   |   |
 *                              main thread: startSwitch()
 *
 *   contract.ts     all that the two threads say to each other: start reading there
 *   data_plane_shell.ts   the loop and the order of its stages
 *   forwarding.ts   (frame, tables) -> decision        mac_table.ts   who lives where
 *   offload.ts      superframes -> real frames         joiner.ts      real frames -> superframes
 *   outbox.ts       datagrams -> trains                link_table.ts  which tunnel leads to whom
 *   pace.ts         when the loop has to rest          polling.ts     when it looks for more before it sleeps
 *   priority.ts     which class its thread gets
 *   tunnel.ts       health of one tunnel               liveness.ts    silence of a neighbour that sends often
 *   overlay/        ways to carry frames in UDP        wire/          formats
 *   shuttle_stage.ts   what the loop sees of shuttle
 *   shuttle/        superframes between weft peers, sealed end to end
 *   host_shell.ts   bridge and TAP of this host
 * ```
 *
 * It does not know the mesh: who the peers are, which links there are and what their keys are, main tells it. It does not know
 * containers either: the bridge does the switching between those of one host.
 *
 * The router is its only caller.
 *
 * @module
 */

export * from "./contract.ts";
export * from "./host_plan.ts";
export * from "./host_shell.ts";
export { startSwitch, type Switch, type SwitchOptions } from "./main_shell.ts";
export { priorityWarning } from "./priority.ts";
export { opensTunnels, OVERLAY_LABELS, OVERLAY_NAMES } from "./overlay/mod.ts";
export { shuttleAvailable } from "./shuttle_keys_shell.ts";
