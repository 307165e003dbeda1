import { rename, writeFile } from "node:fs/promises";
import { flushCompileCache } from "node:module";
import { join, resolve } from "node:path";
import { formatProblem } from "../../adapters/node/configuration/configuration.ts";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import { pgpKeyProblems } from "../../adapters/node/configuration/pgp-key-check.ts";
import { tuneGarbageCollection } from "../../adapters/node/garbage-collection.ts";
import { createLog } from "../../adapters/node/log.ts";
import { createRuntime } from "../../adapters/node/runtime.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Log } from "../../ports/runtime.ts";
import { sshCryptoStatus } from "../../protocols/sftp/crypto-status.ts";
import { lockDataDirectory } from "../local/data-directory-lock.ts";
import type { Endpoints } from "../local/front.ts";
import { type LocalServer, startLocalServer } from "../local/local-server.ts";
import { prepareDataDirectory } from "./first-start.ts";
import { greetingLines } from "./greeting.ts";

export interface StartOptions {
  /** Without it, `ferrygate.yaml` of the data directory, made with demo accounts where it is missing. */
  readonly configFile?: string | undefined;
  /** `data` in the working directory, without it. */
  readonly dataDirectory?: string | undefined;
  /** Another store than the folder `files` of the data directory. */
  readonly openObjects?: (() => Promise<ObjectStore>) | undefined;
}

/** `ferrygate start`: runs until SIGTERM or SIGINT. Answers the exit code. */
export async function runStart(options: StartOptions): Promise<number> {
  tuneGarbageCollection();
  const dataDirectory = resolve(options.dataDirectory ?? "data");
  const unlock = lockDataDirectory(dataDirectory);
  if (!unlock) return failure(`another ferrygate is running on ${dataDirectory}`);
  try {
    return await serve(options, dataDirectory);
  } catch (error) {
    // What was opened before the failure, such as the threads of databases, would keep the process alive.
    process.exit(failure(error instanceof Error ? error.message : `${error}`));
  } finally {
    unlock();
  }
}

async function serve({ configFile, openObjects }: StartOptions, dataDirectory: string): Promise<number> {
  const log = createLog({ stream: process.stderr });
  const firstStart = await prepareDataDirectory(dataDirectory, { withDemo: configFile === undefined });
  const loaded = loadConfiguration(configFile ?? join(dataDirectory, "ferrygate.yaml"));
  if (!loaded.ok) return failure(loaded.problems.map(formatProblem).join("\n"));
  const unusable = await pgpKeyProblems(loaded.configuration);
  if (unusable.length > 0) return failure(unusable.map(formatProblem).join("\n"));
  const stopSignal = nextStopSignal();
  const server = await startLocalServer({ dataDirectory, loaded, openObjects, runtime: createRuntime({ log }) });
  await writeEndpoints(dataDirectory, server.endpoints);
  const crypto = sshCryptoStatus();
  log[crypto.native ? "info" : "warn"](`SSH cryptography: ${crypto.description}`);
  for (const line of await greetingLines(dataDirectory, server.endpoints, firstStart)) console.log(line);
  // Not left to the end of the process, which a crash would skip.
  flushCompileCache();
  console.log("ferrygate ready");
  return stopOn(stopSignal, server, log);
}

function nextStopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

async function stopOn(stopSignal: Promise<NodeJS.Signals>, server: LocalServer, log: Log): Promise<number> {
  log.info("stopping: transfers under way may finish", { signal: await stopSignal });
  // Whoever asks twice does not want to wait.
  void nextStopSignal().then(() => process.exit(1));
  await server.stop();
  return 0;
}

/** In one step, so that whoever waits for the file never reads a part of it. */
async function writeEndpoints(dataDirectory: string, endpoints: Readonly<Endpoints>): Promise<void> {
  const file = join(dataDirectory, "run", "endpoints.json");
  await writeFile(`${file}.new`, `${JSON.stringify(endpoints, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
}

function failure(message: string): number {
  console.error(message);
  return 1;
}
