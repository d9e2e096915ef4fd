/**
 * `weft report`: the whole state, as JSON or through a template.
 *
 * @module
 */

import { command, JSON_OPTION } from "../command.ts";

/** `weft report [-f FORMAT]`. */
export const reportCommand = command({
  name: "report",
  summary: "print the whole state as JSON",
  args: "",
  count: [0, 0],
  options: {
    format: { value: "FORMAT", short: "f", summary: "fill in this template instead" },
    json: { ...JSON_OPTION, summary: "accepted; it always does" },
  },
  details: [
    'FORMAT is text with fields in it: "{{.Version}}", "{{range .Router.Targets}}{{.}} {{end}}",',
    '"{{json .Router.Peers}}", "{{len .Router.Peers}}"; if, else and with as in templates of Go.',
  ].join("\n"),
  async run(_words, { format }, io): Promise<void> {
    if (typeof format === "string") {
      return io.out(await io.client.get(`/report?format=${encodeURIComponent(format)}`));
    }
    io.out(await io.client.get("/report", "json"));
  },
});
