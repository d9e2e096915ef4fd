/**
 * The loop: the only code that knows the order of the stages.
 *
 * ```
 *   out:   TAP read -> offload.inspect -> forwarding.decide -> shuttle.send -> outbox -> UDP send
 *                                                           -> offload.writePiece -> tunnel.send -> outbox -> UDP send
 *   in:    UDP read -> shuttle.receive -> forwarding.decide -> injector -> TAP write
 *                   -> overlay.receive -> forwarding.decide -> injector -> TAP write
 *   relay: UDP read -> shuttle.receive -> outbox -> UDP send
 *                   -> overlay.receive -> forwarding.decide -> tunnel.send -> outbox -> UDP send
 * ```
 *
 * Between two weft peers frames take shuttle, the payload untouched by relays; else a tunnel of an overlay.
 *
 * A turn: wait for events (not at all if the last turn had work), read up to 32 superframes from the TAP, one batch from each
 * socket, do what is due, send. Neither side can run twice without the other. When the kernel's send buffer is full, what
 * is finished stays in the outbox and the TAP is not read until it has left, so that the kernel's own queue fills.
 *
 * @module
 */

import { Bug, type Endpoint, type Millis, unmapIpv4 } from "../base/mod.ts";
import {
  Arena,
  arenaCopy,
  cipherName,
  drainEventFd,
  EPOLL,
  Epoll,
  ERRNO,
  openSecretbox,
  SysError,
  Tap,
  type UdpSocket,
} from "../ffi/mod.ts";
import { BridgeAnswers } from "./bridge_answers.ts";
import {
  type Configure,
  COUNTER,
  type FromWorker,
  type ToWorker,
  type WorkerStart,
} from "./contract.ts";
import { Forwarding } from "./forwarding.ts";
import { SUPERFRAME_BYTES } from "./frame.ts";
import { Injector, INJECTOR_ARENA_BYTES } from "./injector_shell.ts";
import { LinkTable } from "./link_table.ts";
import { type CopyBytes, Offload } from "./offload.ts";
import { MessageSource } from "./message_source.ts";
import { createOverlays } from "./overlay/mod.ts";
import type { Overlay } from "./overlay/overlay.ts";
import { Outbox } from "./outbox.ts";
import { Rehearsal } from "./rehearsal.ts";
import { Reporter } from "./reporter.ts";
import { Fragments } from "./shuttle/mod.ts";
import { aeadCiphers } from "./shuttle_keys_shell.ts";
import { ShuttleStage } from "./shuttle_stage.ts";
import { ENDPOINTS, Sockets, SOCKETS_ARENA_BYTES } from "./sockets_shell.ts";
import { Traffic } from "./traffic_shell.ts";
import { Waiting } from "./waiting_shell.ts";

/** Superframes that are read from the TAP in one turn: more lets the other direction starve (spec/dataplane.md 11). */
const TAP_READS_PER_TURN = 32;
/** Several superframes, cut and sealed, and a burst of copies for all neighbours. */
const OUTBOX_BYTES = 1 << 20;
const OUTBOX_SENDS = 1024;
/** The TAP is read only while so much of the outbox is free: a superframe grows by a tenth, in small pieces threefold. */
const OUTBOX_ROOM_BYTES = 256 << 10;
/** Between two rounds of housekeeping. */
const SECOND_MS = 1_000;
/** What is done each second wakes nobody up if it can be done with something else. */
const SECOND_LATE_MS = 300;
/** Room before what the TAP gives: the length of a record of shuttle. */
const HEADROOM_BYTES = 64;
const ARENA_BYTES = SOCKETS_ARENA_BYTES + INJECTOR_ARENA_BYTES + OUTBOX_BYTES +
  4 * SUPERFRAME_BYTES + Fragments.SLAB_BYTES + (1 << 20);

/** What IP and UDP add to a datagram. */
const OUTER_BYTES = { ipv4: 28, ipv6: 48 } as const;

/** Below it bursts are lost while this thread waits for a CPU. */
const SMALLEST_RECEIVE_BUFFER_BYTES = 4 << 20;

/** What an event of epoll is about; above: the socket of that number. */
const SOURCE = { EVENT_FD: 0, TAP: 1, SOCKETS: 2 } as const;

type Post = (message: FromWorker) => void;
type Next = () => ToWorker | undefined;

/** Runs the data plane; owns arena, TAP and sockets meanwhile. */
export class DataPlane implements Disposable {
  readonly #next: Next;
  readonly #post: Post;
  readonly #reporter: Reporter;
  readonly #cells: Float64Array;
  readonly #owned: DisposableStack;
  readonly #arena: Arena;
  readonly #tap: Tap;
  readonly #sockets: Sockets;
  readonly #epoll: Epoll;
  readonly #tapName: string;
  readonly #eventFd: number;
  readonly #outbox: Outbox;
  readonly #copy: CopyBytes;
  readonly #forwarding: Forwarding;
  readonly #injector: Injector;
  readonly #overlays: readonly Overlay[];
  readonly #links: LinkTable;
  readonly #messageSource: MessageSource;
  readonly #scratch: number;
  readonly #tapBuffer: number;
  readonly #traffic: Traffic;
  readonly #shuttle: ShuttleStage;
  readonly #waiting: Waiting;
  readonly #rehearsal: Rehearsal;
  readonly #answers = new BridgeAnswers();
  /** The kernel's send buffer is full. */
  #blocked = false;
  /** A superframe may go on in the next batch. */
  #joins = false;
  #stopping = false;
  #now: Millis = 0;
  #deadline: Millis = 0;
  #secondAt: Millis = 0;
  #socket: UdpSocket | undefined;
  #message = 0;
  readonly #source = (): Endpoint => {
    if (this.#socket === undefined) throw new Bug("No datagram is being read");
    return this.#socket.source(this.#message);
  };
  readonly #count = (counter: number, by = 1): void => {
    this.#cells[counter] = (this.#cells[counter] ?? 0) + by;
  };

  /**
   * Opens everything and posts `ready`.
   *
   * @throws {SysError} with its remedy: the TAP is taken, the port is in use
   */
  static open(start: WorkerStart, post: Post, next: Next): DataPlane {
    using stack = new DisposableStack();
    const plane = new DataPlane(stack, start, post, next);
    plane.#owned.use(stack.move());
    return plane;
  }

  private constructor(stack: DisposableStack, start: WorkerStart, post: Post, next: Next) {
    this.#post = post;
    this.#next = next;
    this.#owned = new DisposableStack();
    this.#cells = new Float64Array(start.counters);
    this.#reporter = new Reporter(post);
    const arena = this.#arena = stack.use(Arena.open(ARENA_BYTES));
    this.#eventFd = start.eventFd;
    this.#tapName = start.tap;
    this.#sockets = stack.use(Sockets.open(arena, start.host, start.port, {
      count: this.#count,
      pathMtu: (endpoint, bytes) => this.#pathMtu(endpoint, bytes),
    }));
    this.#tap = stack.use(Tap.open(start.tap, arena, { offloads: "tso" }));
    this.#epoll = stack.use(Epoll.open(arena));
    this.#outbox = new Outbox(arena, OUTBOX_BYTES, OUTBOX_SENDS);
    const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
    this.#forwarding = new Forwarding({ ownMacs: start.ownMacs, seed });
    const copy = this.#copy = arenaCopy(arena);
    const offload = new Offload(arena, copy);
    this.#injector = new Injector(arena, this.#tap, start.mtuBytes, offload, this.#count);
    this.#scratch = arena.alloc(16);
    this.#tapBuffer = arena.alloc(SUPERFRAME_BYTES + HEADROOM_BYTES, 64) + HEADROOM_BYTES;
    const secretbox = openSecretbox(arena, { libsodium: start.libsodium });
    this.#overlays = createOverlays({
      slab: arena,
      outbox: this.#outbox,
      secretbox,
      self: start.self,
      count: this.#count,
    }, { seed });
    this.#links = new LinkTable(this.#overlays, ENDPOINTS);
    this.#messageSource = new MessageSource(this.#links, this.#sockets);
    const shared = {
      slab: arena,
      forwarding: this.#forwarding,
      offload,
      links: this.#links,
      count: this.#count,
      makeRoom: () => this.#sendOutbox(),
    };
    this.#shuttle = new ShuttleStage({
      ...shared,
      outbox: this.#outbox,
      copy,
      beforeWrite: () => this.#traffic.closeTunnel(),
      mode: start.pairs,
      ciphers: aeadCiphers(arena),
      token: seed,
    });
    this.#traffic = new Traffic({
      ...shared,
      injector: this.#injector,
      shuttle: this.#shuttle,
      piece: arena.alloc(SUPERFRAME_BYTES, 64),
    });
    this.#rehearsal = new Rehearsal({
      ...shared,
      traffic: this.#traffic,
      shuttle: this.#shuttle,
      outbox: this.#outbox,
      copy,
      echo: () => this.#sockets.echo(),
    });
    this.#epoll.add(this.#eventFd, EPOLL.IN, SOURCE.EVENT_FD);
    this.#epoll.add(this.#tap.fd, EPOLL.IN, SOURCE.TAP);
    this.#sockets.all.forEach(({ fd }, i) => this.#epoll.add(fd, EPOLL.IN, SOURCE.SOCKETS + i));
    for (const { receiveBufferBytes } of this.#sockets.all) {
      if (receiveBufferBytes >= SMALLEST_RECEIVE_BUFFER_BYTES) continue;
      const text = `the UDP receive buffer is only ${receiveBufferBytes} bytes: raise ` +
        "net.core.rmem_max to 8388608, or grant CAP_NET_ADMIN";
      this.#reporter.log("warn", text, 0);
    }
    const { warning } = cipherName({ libsodium: start.libsodium });
    this.#waiting = new Waiting(arena, this.#epoll, start);
    const [{ port }, { priority }] = [this.#sockets, this.#waiting];
    post({ kind: "ready", cipher: secretbox.name, warning, port, priority });
  }

  /** Runs until main says `stop`. */
  run(): void {
    let busy = false;
    while (!this.#stopping) {
      busy = this.#turn(busy);
    }
    this.#links.closeAll();
    this.#shuttle.pairs.closeAll();
  }

  /** Gives everything back; the last act of the thread. */
  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]();
  }

  /** One turn. hot path @returns whether there may be more work, so that the next one must not wait */
  #turn(busy: boolean): boolean {
    const events = this.#waiting.wait(
      busy,
      Math.min(this.#deadline, this.#secondAt + SECOND_LATE_MS),
    );
    this.#now = this.#waiting.now;
    const { light } = this.#waiting;
    // The first frame after a wait leaves before anybody looks for a second one.
    const reads = light && !busy ? 1 : TAP_READS_PER_TURN;
    const writes = this.#cells[COUNTER.tapWrites];
    let worked = false;
    this.#joins = false;
    for (let i = 0; i < events; i++) {
      const source = this.#epoll.data(i);
      if (source === SOURCE.EVENT_FD) {
        this.#readMessages();
        continue;
      }
      if (source === SOURCE.TAP) {
        this.#answers.readable(this.#now);
        worked = this.#readTap(reads) || worked;
      } else worked = this.#readSocket(source - SOURCE.SOCKETS, this.#epoll.events(i)) || worked;
    }
    if (this.#waiting.rehearses && !this.#blocked) this.#rehearse();
    if (!this.#joins) this.#injector.flush();
    if (light && this.#cells[COUNTER.tapWrites] !== writes) this.#readAnswer();
    this.#flush();
    if (this.#now >= this.#deadline || this.#now >= this.#shuttle.pairs.deadline) {
      this.#deadline = Math.min(this.#links.tick(this.#now), this.#shuttle.tick(this.#now));
    }
    this.#readEvents();
    this.#flush();
    if (this.#now >= this.#secondAt) this.#eachSecond();
    this.#count(COUNTER.loopTurns);
    this.#waiting.turned(this.#cells);
    return worked;
  }

  #rehearse(): void {
    this.#count(COUNTER.rehearsals);
    this.#rehearsal.run(this.#now);
    this.#readSocket(0, EPOLL.IN);
  }

  #eachSecond(): void {
    const { macs, notLearnt } = this.#forwarding;
    if (notLearnt > 0) {
      const text = `${notLearnt} frames came from MAC addresses for which the table has no room`;
      this.#reporter.log("warn", text, this.#now);
      this.#forwarding.notLearnt = 0;
    }
    this.#secondAt = this.#now + SECOND_MS;
    macs.age(this.#now);
    this.#cells[COUNTER.macEntries] = macs.size;
    this.#reporter.tables(macs, this.#now);
  }

  // --- main thread ---

  #readMessages(): void {
    this.#rehearsal.forget();
    drainEventFd(this.#eventFd, this.#arena, this.#scratch);
    for (let message = this.#next(); message !== undefined; message = this.#next()) {
      if (message.kind === "stop") this.#stopping = true;
      else if (message.kind === "keys") this.#links.addKey(message.link, message.key);
      else if (message.kind === "configure") this.#configure(message);
      else if (message.kind === "pairKeys") {
        // What waits to be sealed must leave before its key goes.
        this.#flush();
        this.#shuttle.pairs.keys(message, this.#now);
      } else {
        const { link, index, tag, body } = message;
        this.#links.tunnel(link, index)?.control(tag, body, this.#now);
      }
    }
    this.#deadline = 0;
  }

  #configure(message: Configure): void {
    // What is addressed by the slots of tunnels that end must leave before.
    this.#flush();
    this.#forwarding.configure(message);
    const nameOf = (peer: number): number => message.peers[peer]?.name ?? 0;
    const before = [...this.#links.tunnels()];
    const faults = this.#links.configure(message.links, nameOf, this.#now);
    for (const { slot } of before) this.#sockets.setRemote(slot, undefined);
    for (const fault of faults) {
      this.#post({ kind: "tunnel", state: "failed", mtuBytes: 0, remote: undefined, ...fault });
    }
    for (const tunnel of this.#links.tunnels()) {
      this.#sockets.setRemote(tunnel.slot, tunnel.remote);
    }
    this.#shuttle.configure(message, this.#now);
    this.#reporter.keep(this.#links.tunnels());
    this.#reportShuttle();
    this.#cells[COUNTER.configureVersion] = message.version;
  }

  /** Hands on what the overlays have to say. */
  #readEvents(): void {
    for (const overlay of this.#overlays) {
      for (let event = overlay.poll(); event !== undefined; event = overlay.poll()) {
        const { tunnel } = event;
        const { link, index } = tunnel.spec;
        this.#deadline = 0;
        if (event.kind === "control") {
          this.#post({ kind: "control", link, index, tag: event.tag, body: event.body });
          continue;
        }
        if (this.#links.tunnel(link, index) !== tunnel) continue;
        this.#sockets.setRemote(tunnel.slot, tunnel.remote);
        this.#links.choose();
        this.#shuttle.pairs.reroute(this.#now);
        this.#reporter.tunnel(tunnel, overlay.name);
      }
    }
    this.#readPairs();
  }

  /** Hands on what became of pairs. */
  #readPairs(): void {
    const { pairs } = this.#shuttle;
    let event = pairs.poll();
    if (event === undefined) return;
    for (; event !== undefined; event = pairs.poll()) this.#post(event);
    this.#reportShuttle();
  }

  #reportShuttle(): void {
    for (const link of this.#links.shuttleLinks()) {
      this.#reporter.shuttle(link, this.#shuttle.pairs.told(link.peer));
    }
  }

  // --- TAP to tunnels ---

  /** Reads what the bridge gives. hot path @param most so many frames @returns whether there may be more */
  #readTap(most: number): boolean {
    for (let i = 0; i < most; i++) {
      if (this.#outbox.roomBytes < OUTBOX_ROOM_BYTES) this.#flush();
      if (this.#blocked || this.#outbox.roomBytes < OUTBOX_ROOM_BYTES) return false;
      const length = this.#tap.read(this.#tapBuffer, SUPERFRAME_BYTES);
      if (length < 0) {
        this.#checkTap(length);
        return false;
      }
      this.#count(COUNTER.tapReads);
      this.#count(COUNTER.tapReadBytes, length);
      this.#rehearsal.captured(this.#tapBuffer, length);
      this.#traffic.captured(this.#tapBuffer, length, this.#now);
    }
    return true;
  }

  #readAnswer(): void {
    if (this.#answers.wrote(this.#now)) this.#answers.looked(this.#readTap(1));
  }

  /** A TAP that is gone would be reported as readable for ever. */
  #checkTap(result: number): void {
    if (result === -ERRNO.EAGAIN || result === -ERRNO.EINTR) return;
    throw new SysError(`read ${this.#tapName}`, -result, "the TAP device is gone: launch again");
  }

  // --- sockets to TAP and tunnels ---

  /** Reads one batch. hot path @returns whether there may be more */
  #readSocket(at: number, events: number): boolean {
    const socket = this.#sockets.all[at];
    if (socket === undefined) return false;
    if ((events & EPOLL.ERR) !== 0) this.#sockets.drainErrors(socket);
    if ((events & EPOLL.OUT) !== 0) this.#flush();
    if ((events & EPOLL.IN) === 0) return false;
    const injector = this.#injector;
    const received = this.#sockets.receive(at, injector.waits);
    if (received === 0) return false;
    this.#socket = socket;
    injector.beginBatch();
    const first = this.#sockets.first(at);
    for (let i = first; i < first + received; i++) {
      if (this.#sockets.isEcho(at, i)) continue;
      if (socket.slotTruncated(i)) this.#count(COUNTER.dropMalformed);
      else this.#readTrain(socket, at, i);
    }
    this.#joins = injector.endBatch(received === this.#sockets.batch(at));
    // While little comes there is nothing more: the next wait finds what follows.
    return this.#joins || !this.#waiting.light;
  }

  #readTrain(socket: UdpSocket, at: number, message: number): void {
    this.#message = message;
    this.#messageSource.begin(at, message);
    const length = socket.slotLength(message);
    const segment = socket.slotSegment(message) || length;
    const begin = socket.slotOffset(message);
    this.#count(COUNTER.udpReceivedBytes, length);
    for (let done = 0; done < length || done === 0; done += segment) {
      this.#count(COUNTER.udpReceived);
      this.#datagram(begin + done, Math.min(segment, length - done));
      if (segment === 0) break;
    }
    this.#shuttle.endTrain();
  }

  #datagram(offset: number, length: number): void {
    const shuttle = this.#shuttle;
    if (shuttle.takes(offset, length)) {
      const source = this.#messageSource.slot();
      const { light } = this.#waiting;
      if (light) this.#rehearsal.arrives(offset, length, source);
      if (!shuttle.receive(offset, length, source, this.#now)) return;
      if (light) this.#rehearsal.opened();
      while (shuttle.record.next()) this.#traffic.opened(shuttle.record, this.#now);
      return;
    }
    for (let i = 0; i < this.#overlays.length; i++) {
      const overlay = this.#overlays[i];
      if (overlay === undefined || !overlay.receive(offset, length, this.#source, this.#now)) {
        continue;
      }
      for (let frame = overlay.next(); frame !== undefined; frame = overlay.next()) {
        this.#traffic.received(frame, this.#now);
      }
      if (overlay.takeDue()) this.#deadline = 0;
      return;
    }
  }

  // --- out ---

  /** Sends all that can be sent; waits for room in the kernel's buffer if not all could. */
  #flush(): void {
    this.#traffic.close();
    this.#sendOutbox();
  }

  #sendOutbox(): void {
    if (this.#outbox.empty && !this.#blocked) return;
    const blocked = !this.#sockets.flush(this.#outbox);
    // What was lent lies in the slots, which the next batch overwrites.
    if (blocked) this.#outbox.keep(this.#copy);
    if (blocked === this.#blocked) return;
    this.#blocked = blocked;
    const extra = blocked ? EPOLL.OUT : 0;
    this.#sockets.all.forEach(({ fd }, i) =>
      this.#epoll.modify(fd, EPOLL.IN | extra, SOURCE.SOCKETS + i)
    );
    this.#epoll.modify(this.#tap.fd, blocked ? 0 : EPOLL.IN, SOURCE.TAP);
  }

  #pathMtu(endpoint: Endpoint, pathMtuBytes: number): void {
    const outer = unmapIpv4(endpoint.ip) === undefined ? OUTER_BYTES.ipv6 : OUTER_BYTES.ipv4;
    for (const tunnel of this.#links.toAddress(endpoint)) {
      tunnel.pathMtu(pathMtuBytes, this.#now);
      this.#shuttle.pairs.refused(tunnel.slot, pathMtuBytes - outer, this.#now);
    }
    this.#deadline = 0;
  }
}
