/**
 * How two neighbours tell each other that they understand segments of shuttle, as ends or as relays.
 *
 * @module
 */

/** Name in the feature `Overlays`. It opens no tunnel: sleeve stays up beside it and knows the address. */
export const SHUTTLE_OVERLAY = "weft-shuttle";
