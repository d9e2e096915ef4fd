import { openSecretbox } from "../../ffi/mod.ts";
import { SLEEVE_TIMES } from "../tunnel.ts";
import { overlayConformance } from "./conformance.ts";
import { sleeveOverlay } from "./sleeve.ts";

overlayConformance(
  {
    name: "sleeve",
    create: (context) => sleeveOverlay(context),
    secretbox: (slab) => openSecretbox({ bytes: slab.bytes }),
    timeoutMs: SLEEVE_TIMES.timeoutMs,
  },
  (name, body) => Deno.test(name, body),
);
