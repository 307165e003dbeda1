import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPasswordHasher } from "../../adapters/node/password-hasher.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { generateSshKeyPair } from "./ssh-key-pair.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Endpoints {
  readonly sftp: Endpoint;
  readonly ftps?: Endpoint;
  readonly ftpsImplicit?: Endpoint;
  readonly http: { readonly url: string };
}

/** The product as a user runs it: `ferrygate start` in a process of its own, with data in a temporary folder. */
export interface Product {
  readonly endpoints: Endpoints;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly configurationFile: string;
  readonly pid: number;
  /** Everything it printed so far. */
  output(): string;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, as a crash; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Every accounting event, oldest first, read through the API. */
  events(query?: string): Promise<AccountingEvent[]>;
}

export const password = "correct horse battery staple";

/** The account that most tests use, with a password and a key, allowed to do everything. */
export interface TestIdentity {
  readonly publicKey: string;
  readonly privateKeyFile: string;
}

export async function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "ferrygate-test-"));
}

/** Writes a new Ed25519 key pair as OpenSSH does. */
export async function writeIdentity(directory: string, name = "id_ed25519"): Promise<TestIdentity> {
  const pair = generateSshKeyPair();
  const privateKeyFile = join(directory, name);
  await writeFile(privateKeyFile, pair.private, { mode: 0o600 });
  return { publicKey: pair.public, privateKeyFile };
}

const hash = createPasswordHasher().hash(password);

/** A configuration with `tester` (everything allowed) and `admin`; `extra` is more YAML for the account list. */
export async function testConfiguration(publicKey: string, extra = ""): Promise<string> {
  const passwordLine = `password: "${await hash}"`;
  return `server:
  sftp: { listen: "127.0.0.1:0" }
  ftps: { listen: "127.0.0.1:0", implicit: "127.0.0.1:0", passivePorts: "0-0" }
  http: { listen: "127.0.0.1:0" }
accounts:
  - name: tester
    ${passwordLine}
    publicKeys: ["${publicKey.trim()}"]
    permissions: [[allow-full-control]]
  - name: admin
    ${passwordLine}
    roles: [admin]
    permissions: [[allow-full-control]]
${extra}`;
}

export interface ProductOptions {
  readonly directory: string;
  readonly configuration: string;
  readonly nodeArguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What takes the arguments of `ferrygate`; by default that. */
  readonly program?: string | undefined;
}

/** Starts the product and waits until it is ready. A second start in the same directory goes on with its data. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const { directory } = options;
  const configurationFile = join(directory, "ferrygate.yaml");
  const dataDirectory = join(directory, "data");
  await writeFile(configurationFile, options.configuration);
  const cli = options.program ?? new URL("../../bin/ferrygate.mjs", import.meta.url).pathname;
  const args = [...(options.nodeArguments ?? []), cli, "start", "--config", configurationFile, "--data", dataDirectory];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  const output: string[] = [];
  await untilReady(child, output);
  const endpoints = JSON.parse(await readFile(join(dataDirectory, "run", "endpoints.json"), "utf8")) as Endpoints;
  return {
    endpoints,
    directory,
    dataDirectory,
    configurationFile,
    pid: child.pid ?? 0,
    output: () => output.join(""),
    stop: () => ended(child, "SIGTERM"),
    kill: async () => {
      await ended(child, "SIGKILL");
    },
    events: (query = "") => readEvents(endpoints.http.url, query),
  };
}

/** Stops the product and removes what it wrote. */
export async function disposeProduct(product: Product): Promise<void> {
  await product.stop();
  await rm(product.directory, { recursive: true, force: true });
}

function untilReady(child: ChildProcess, output: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output.push(chunk.toString());
      if (output.join("").includes("ferrygate ready")) resolve();
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`ferrygate exited with ${code}:\n${output.join("")}`)));
  });
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.kill(signal);
  });
}

async function readEvents(url: string, query: string): Promise<AccountingEvent[]> {
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString("base64")}`;
  const events: AccountingEvent[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const search = new URLSearchParams(query);
    search.set("limit", "1000");
    if (cursor) search.set("cursor", cursor);
    const response = await fetch(`${url}/v1/events?${search}`, { headers: { authorization } });
    if (response.status !== 200) throw new Error(`events: ${response.status} ${await response.text()}`);
    const page = (await response.json()) as { events: AccountingEvent[]; cursor?: string };
    events.push(...page.events);
    cursor = page.cursor;
  }
  return events;
}
