/**
 * Types of the package dns-packet, as far as it is used here.
 *
 * Those of `@types/dns-packet` bring `@types/node`, whose global types differ from those of Deno.
 *
 * @module
 */

/** A question. */
export interface Question {
  /** Name without the dot at its end; `.` is the root. */
  readonly name: string;
  /** Type in letters. */
  readonly type: string;
}

/** A record; what it holds depends on its type. */
export interface AnyRecord {
  /** Name without the dot at its end. */
  readonly name: string;
  /** Type in letters. */
  readonly type: string;
  /** Time to live in seconds; of all but OPT. */
  readonly ttl?: number;
  /** Contents; of all but OPT. */
  readonly data?: unknown;
  /** Size of OPT. */
  readonly udpPayloadSize?: number;
  /** Version of OPT. */
  readonly ednsVersion?: number;
  /** Flags of OPT. */
  readonly flags?: number;
}

/** A message that was decoded. */
export interface DecodedPacket {
  /** Its id. */
  readonly id: number;
  /** Result in letters. */
  readonly rcode: string;
  /** Whether it is an answer. */
  readonly flag_qr: boolean;
  /** Whether it is authoritative. */
  readonly flag_aa: boolean;
  /** Whether it was cut. */
  readonly flag_tc: boolean;
  /** Whether recursion was asked for. */
  readonly flag_rd: boolean;
  /** Whether recursion is offered. */
  readonly flag_ra: boolean;
  /** What was asked. */
  readonly questions: readonly Question[];
  /** Answers. */
  readonly answers: readonly AnyRecord[];
  /** Authorities. */
  readonly authorities: readonly AnyRecord[];
  /** Additional records. */
  readonly additionals: readonly AnyRecord[];
}

/** Decodes a message, which has to be a `Buffer`. @throws {Error} if it does not parse */
export declare function decode(bytes: Uint8Array): DecodedPacket;
/** Encodes a message. @throws {Error} if it cannot be */
export declare function encode(packet: unknown): Uint8Array;
/** Flag: recursion is asked for. */
export declare const RECURSION_DESIRED: number;
/** Flag of OPT: signatures are wanted. */
export declare const DNSSEC_OK: number;
