/**
 * The page of targets: what we were told to connect to, as it was given.
 *
 * @module
 */

import { lines, type StatusPage } from "./page.ts";

/** `GET /status/targets`. */
export const targetsPage: StatusPage = {
  name: "targets",
  text: ({ targets }) => lines(targets),
  json: ({ targets }) => targets,
};
