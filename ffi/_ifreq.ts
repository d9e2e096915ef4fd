/**
 * `struct ifreq` with a name in it, for ioctls on interfaces.
 *
 * @module
 */

import { IFREQ } from "./layout.ts";

const NAME_BYTES = 15;

/**
 * Returns a `struct ifreq` for an interface, zero but for the name.
 *
 * @throws {TypeError} if the kernel could not have an interface of that name
 */
export function interfaceRequest(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length === 0 || bytes.length > NAME_BYTES || /[\0/\s:%]/.test(name)) {
    throw new TypeError(
      `Cannot use ${JSON.stringify(name)} as interface name: 1 to ${NAME_BYTES} bytes ` +
        "without space, slash, colon or percent sign are allowed",
    );
  }
  const request = new Uint8Array(IFREQ.size);
  request.set(bytes, IFREQ.name);
  return request;
}
