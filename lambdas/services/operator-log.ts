import { createLog } from "../../adapters/node/log.ts";
import { createRuntime } from "../../adapters/node/runtime.ts";
import type { Runtime } from "../../ports/runtime.ts";

/** Clock, ids and digests of Node; the log goes to standard output, from where Lambda takes it. */
export const runtime: Runtime = createRuntime({ log: createLog({ stream: process.stdout }) });
