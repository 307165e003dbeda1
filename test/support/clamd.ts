import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "./free-ports.ts";

/** The EICAR test file, put together here so that no scanner takes this repository for one. */
export const eicar = Buffer.from(
  ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE", "!$H+H*"].join(""),
  "latin1",
);

/** How clamd names it, by the signature below. */
export const eicarSignature = "Test.Eicar.UNOFFICIAL";

/** A clamd of its own, whose only signature is that of the EICAR test file. */
export interface Clamd {
  readonly port: number;
  readonly socketPath: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** A new process with the same addresses. */
  start(): Promise<void>;
  dispose(): Promise<void>;
}

export async function startClamd(settings: Readonly<Record<string, string>> = {}): Promise<Clamd> {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-clamd-"));
  const socketPath = join(directory, "clamd.sock");
  const { first: port } = await freePorts(1);
  await mkdir(join(directory, "signatures"));
  await writeFile(join(directory, "signatures", "test.ndb"), `Test.Eicar:0:*:${eicar.toString("hex")}\n`);
  const lines = {
    Foreground: "yes",
    DatabaseDirectory: join(directory, "signatures"),
    LocalSocket: socketPath,
    TCPAddr: "127.0.0.1",
    TCPSocket: `${port}`,
    TemporaryDirectory: directory,
    StreamMaxLength: "4M",
    ...settings,
  };
  const text = Object.entries(lines).map(([name, value]) => `${name} ${value}\n`);
  await writeFile(join(directory, "clamd.conf"), text.join(""));
  let child: ChildProcess | undefined;
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    await rm(socketPath, { force: true });
  };
  const start = async () => {
    const started = spawn("clamd", ["-c", join(directory, "clamd.conf")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin` },
    });
    child = started;
    const said: string[] = [];
    for (const stream of [started.stdout, started.stderr]) stream?.on("data", (piece: Buffer) => said.push(`${piece}`));
    while (!(await answers(port))) {
      if (started.exitCode !== null) throw new Error(`clamd exited with ${started.exitCode}:\n${said.join("")}`);
      await delay(20);
    }
  };
  await start();
  const dispose = async () => {
    await kill();
    await rm(directory, { recursive: true, force: true });
  };
  return { port, socketPath, kill, start, dispose };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("zPING\0"));
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
