/**
 * The control plane: who is there, how to reach them, what all agree on. It speaks the mesh protocol of Weave Net,
 * version 2 (spec/mesh.md), over TCP.
 *
 * ```
 *            router: startMesh(config, hooks) -> Mesh           events: linkUp, linkDown, overlayControl, changed
 *                          |
 *   shell.ts    sockets, names, timers, log lines
 *                          |   inputs, outputs
 *   mesh.ts     MeshCore: one core that joins
 *                 connections <- live                                      all of them, each from dial to close
 *                 connection <- handshake <- features, secret_stream       one TCP connection
 *                 topology <- topology_wire, short_ids                     the peer table
 *                 routes                                                   next hops
 *                 spreading <- gossip <- topology_channel, surrogate       who is told what, and when
 *                           <- digest <- digest_wire                       the table in short, between weft peers
 *                 dialer <- target, discovery; door, registration          who may connect, whom we dial
 *                 wire                                                     messages
 *   keys/       KeyAgreement: a core of its own on a channel of its own, driven by the router
 * ```
 *
 * It carries no frames and knows no overlay but by name: the router hands a link's key and common overlays to the
 * switch, passes overlay control messages both ways, and says which links work; from that the mesh computes the routes
 * that frames take. Addresses and names of containers are not its business: the router hands their channels in, and what
 * comes on channels that nobody here handles is passed on untouched.
 *
 * @module
 */

export type { Channel } from "./channel.ts";
export {
  type InstalledKeys,
  KeyAgreement,
  type KeyCrypto,
  KEYS_CHANNEL,
  KeysChannel,
  type KeysInput,
  type KeysOptions,
  type KeysOutput,
  type PairState as KeysState,
} from "./keys/mod.ts";
export { startMesh } from "./shell.ts";
export type * from "./types.ts";
export { ProtocolError } from "./wire.ts";
