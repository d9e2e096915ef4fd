/**
 * All variants, in the order of the tables. To add one, write a file beside this one and list it here.
 *
 * @module
 */

import { underlay, vxlan } from "./kernel.ts";
import { nebula } from "./nebula.ts";
import { fastd, n2n, openvpn, tinc } from "./packaged.ts";
import type { Variant } from "./variant.ts";
import { weave } from "./weave.ts";
import { weft } from "./weft.ts";

export { type Opened, Unavailable, type Variant } from "./variant.ts";

/** Every variant that there is, whether it can run here or not. */
export const VARIANTS: readonly Variant[] = [
  underlay,
  vxlan(0),
  vxlan(1),
  vxlan(2),
  ...weft,
  ...weave,
  ...fastd,
  tinc,
  n2n,
  openvpn,
  nebula,
];
