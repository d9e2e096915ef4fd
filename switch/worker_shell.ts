/**
 * The data-plane worker's entry: takes its start message, runs the loop until `stop`, gives everything back.
 *
 * Once the loop runs, nothing asynchronous happens in this thread: no promise, timer or event handler fires any more. All that
 * it needs is imported before; messages are fetched from the port by hand.
 *
 * @module
 */

import { receiveMessageOnPort } from "node:worker_threads";
import type { FromWorker, ToWorker } from "./contract.ts";
import { DataPlane } from "./data_plane_shell.ts";
import type { WorkerBoot } from "./main_shell.ts";

addEventListener("message", (event: Event): void => {
  run((event as MessageEvent<WorkerBoot>).data);
}, { once: true });

function run(boot: WorkerBoot): void {
  const post = (message: FromWorker): void => boot.channel.postMessage(message);
  const next = (): ToWorker | undefined =>
    receiveMessageOnPort(boot.channel as never)?.message as ToWorker | undefined;
  try {
    using plane = DataPlane.open(boot, post, next);
    plane.run();
  } catch (error) {
    // A fault of our own goes up with its stack; what the system refused is one line.
    const known = error instanceof Error && error.name === "SysError";
    post({
      kind: "failed",
      message: error instanceof Error
        ? (known ? error.message : error.stack ?? error.message)
        : String(error),
    });
    close();
    return;
  }
  post({ kind: "stopped" });
  close();
}
