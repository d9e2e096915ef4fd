/**
 * Keys for pairs of peers, neighbours or not: agreed end to end over the mesh, authenticated by the password
 * (spec/shuttle.md 3).
 *
 * ```
 *   router:  topology --peers-->  +--------------+ --send--> Mesh.unicast("weft-keys", ...)
 *   KeysChannel ------received--> | KeyAgreement | --install, use, stop, retire--> data plane
 *   data plane --wanted, worked-> |              | --state--> status
 *                     exhausted   +--------------+
 *
 *   codec      M1, M2, M3            schedule   transcript, tags, keys
 *   run        one run, as I or R    key_ring   keys of one pair
 *   pair       when to ask           asks, answers   all runs of either side
 *   pairs      who is there          key_ids, rate
 * ```
 *
 * It is one core without I/O; its driver gives it time. It neither seals nor opens frames, holds no key once it was handed
 * out, and does not know which peers are weft: those that are not do not answer, and are asked less and less often.
 *
 * The one who asked (I) gets `install` without `sendNow`, and `use` after it said `worked`. The one who was asked (R) gets
 * `install` with `sendNow`, and probes the path at once and again until `worked`, since I sends nothing before.
 *
 * @module
 */

export { KeyAgreement } from "./agreement.ts";
export { KEYS_CHANNEL, KeysChannel } from "./channel.ts";
export {
  formatKeyMessage,
  type KeyMessage,
  type M1,
  type M2,
  type M3,
  parseKeyMessage,
} from "./codec.ts";
export type {
  InstalledKeys,
  KeyCrypto,
  KeysInput,
  KeysOptions,
  KeysOutput,
  KeySuite,
  PairState,
} from "./io.ts";
