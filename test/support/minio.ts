import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "./free-ports.ts";
import { isOnPath } from "./require-program.ts";

/** For `skip`: MinIO is a second opinion about S3, and no package of a distribution, so nothing asks for it. */
export function minioOrSkip(): string | false {
  return isOnPath("minio") ? false : "minio is not installed";
}

/** Starts MinIO on a free port and lets the SDK of this process use it for S3; {@link startAwsServices} comes first. */
export async function startMinio(): Promise<{ stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-minio-"));
  const address = `127.0.0.1:${(await freePorts(1)).first}`;
  const env = {
    ...process.env,
    MINIO_ROOT_USER: process.env.AWS_ACCESS_KEY_ID,
    MINIO_ROOT_PASSWORD: process.env.AWS_SECRET_ACCESS_KEY,
    MINIO_REGION: process.env.AWS_REGION,
  };
  const server = spawn("minio", ["server", "--quiet", "--address", address, directory], { env, stdio: "ignore" });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  process.env.AWS_ENDPOINT_URL_S3 = `http://${address}`;
  await untilReady(`http://${address}/minio/health/ready`, () => server.exitCode !== null);
  return {
    stop: async () => {
      delete process.env.AWS_ENDPOINT_URL_S3;
      server.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function untilReady(url: string, hasEnded: () => boolean): Promise<void> {
  for (;;) {
    if (hasEnded()) throw new Error("minio ended before it was ready");
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await delay(50);
  }
}
