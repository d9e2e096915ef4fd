/**
 * Linux, libcrypto and libsodium as TypeScript; knows nothing of weft.
 *
 * ```
 *   set-up:    Tap.open, UdpSocket.open, withNetns, netlink …     throw SysError { call, errno, code }
 *   hot path:  tap.read, socket.receive, socket.send, epoll.wait  take offsets into an Arena, return i32; negative = -errno
 *
 *   Arena ─┬─ frames, datagrams          outside ffi/: offsets
 *          ├─ mmsghdr, iovec, sockaddr   inside ffi/:  base + offset
 *          └─ epoll events, keys
 * ```
 *
 * Libraries are opened at first use, never on import, once per thread. Everything that owns a descriptor or memory is
 * `Disposable`. Nothing here is asynchronous.
 *
 * It does not: decide, retry, log, or keep state beyond what the kernel holds.
 *
 * Callers: the shells of `switch/` and `container/`, and `router/`.
 *
 * @module
 */

export {
  type Aead,
  type AeadLibrary,
  type AeadSuite,
  aeadSuites,
  aesSupported,
  libgcryptAvailable,
  openAead,
} from "./aead.ts";
export { announceIpv4, arpAnnouncement, pause } from "./arp.ts";
export { ArpProber } from "./arp_probe.ts";
export { Arena, arenaCopy, type ArenaOptions } from "./arena.ts";
export { monotonicMs } from "./clock.ts";
export {
  cipherName,
  type ControlCrypto,
  type CryptoOptions,
  meshCrypto,
  openSecretbox,
  type Secretbox,
  type SecretboxMemory,
} from "./crypto.ts";
export { EPOLL, Epoll } from "./epoll.ts";
export { check, ERRNO, errnoName, SysError } from "./errno.ts";
export { drainEventFd, EventFd } from "./eventfd.ts";
export { Fd, OPEN, openFd } from "./fd.ts";
export { overwriteFile, replaceFile } from "./files.ts";
export {
  createNetns,
  hostnameOf,
  netnsCookie,
  netnsInode,
  openNetns,
  openOwnNetns,
  openPidNetns,
  withNetns,
} from "./netns.ts";
export { type PacketOptions, PacketSocket } from "./packet.ts";
export {
  dup2,
  geteuid,
  getpid,
  kill,
  notifySystemd,
  openFileCount,
  redirectStandardStreams,
  rssBytes,
  setsid,
} from "./process.ts";
export { fileExists, listDir, readLinkProc, readProc, writeProc } from "./procfs.ts";
export { restThread, setNice, setRealtime, threadId, yieldThread } from "./sched.ts";
export { setIovec, Tap, type TapOffloads, TUN_F } from "./tap.ts";
export { pathMtu, type UdpOptions, UdpSocket } from "./udp.ts";
export { type UdpError } from "./_udp_errors.ts";
