import { tuneGarbageCollection } from "../adapters/node/garbage-collection.ts";
import { createLog } from "../adapters/node/log.ts";
import { createRuntime } from "../adapters/node/runtime.ts";
import { sshCryptoStatus } from "../protocols/sftp/crypto-status.ts";
import { openAwsGateway } from "./aws-gateway.ts";
import { readEnvironment } from "./environment.ts";

/** The container: runs until SIGTERM or SIGINT. Answers the exit code. */
async function main(): Promise<number> {
  const reading = readEnvironment(process.env);
  if (!reading.ok) {
    for (const problem of reading.problems) console.error(problem);
    return 1;
  }
  // Files go through pools of half a gigabyte here, and the container's memory has an end.
  tuneGarbageCollection({ growthPercent: 100 });
  const log = createLog({ stream: process.stderr });
  const stopSignal = nextStopSignal();
  const gateway = await openAwsGateway(reading.environment, createRuntime({ log }));
  const crypto = sshCryptoStatus();
  log[crypto.native ? "info" : "warn"](`SSH cryptography: ${crypto.description}`);
  await gateway.start();
  console.log("ferrygate ready");
  log.info("stopping: transfers under way may finish", { signal: await stopSignal });
  await gateway.stop();
  return 0;
}

function nextStopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

try {
  // Connections to AWS that are kept for the next request would keep the process alive.
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : `${error}`);
  process.exit(1);
}
