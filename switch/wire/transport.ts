/**
 * TCP (RFC 9293) and UDP (RFC 768), as far as splitting and joining need them.
 *
 * ```
 *   TCP   0 source port 2 | 2 destination port 2 | 4 sequence 4 | 8 acknowledgement 4 | 12 data offset 4, reserved 4 |
 *         13 flags | 14 window 2 | 16 checksum 2 | 18 urgent 2 | 20 options
 *   UDP   0 source port 2 | 2 destination port 2 | 4 length 2 | 6 checksum 2
 * ```
 *
 * Big-endian.
 *
 * @module
 */

/** Bytes of a TCP header without options. */
export const TCP_HEADER_BYTES = 20;

/** Bytes of a UDP header. */
export const UDP_HEADER_BYTES = 8;

/** Where the sequence number lies. */
export const TCP_SEQUENCE = 4;

/** Where the acknowledgement number lies. */
export const TCP_ACKNOWLEDGEMENT = 8;

/** Where the flags lie. */
export const TCP_FLAGS = 13;

/** Where the window lies. */
export const TCP_WINDOW = 14;

/** Where the TCP checksum lies. */
export const TCP_CHECKSUM = 16;

/** Where the length lies in UDP. */
export const UDP_LENGTH = 4;

/** Where the UDP checksum lies. */
export const UDP_CHECKSUM = 6;

/** The sender has finished. */
export const FLAG_FIN = 0x01;

/** The connection begins. */
export const FLAG_SYN = 0x02;

/** The connection is broken off. */
export const FLAG_RST = 0x04;

/** Deliver at once. */
export const FLAG_PSH = 0x08;

/** The acknowledgement number counts. */
export const FLAG_ACK = 0x10;

/** The urgent pointer counts. */
export const FLAG_URG = 0x20;

/** Congestion was seen (RFC 3168). */
export const FLAG_ECE = 0x40;

/** The congestion window was reduced (RFC 3168): only on the first segment after it. */
export const FLAG_CWR = 0x80;

/** Returns the length of a TCP header, options included; -1 if it is none or longer than what is there. hot path */
export function tcpHeaderLength(view: DataView, tcp: number, available: number): number {
  if (available < TCP_HEADER_BYTES) return -1;
  const header = (view.getUint8(tcp + 12) >>> 4) * 4;
  return header < TCP_HEADER_BYTES || header > available ? -1 : header;
}
