import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a function answered, or what it or its import failed with. */
export interface FunctionCall {
  readonly answer?: unknown;
  readonly error?: string;
  readonly importMs: number;
  readonly callMs: number;
  /** Processor time of the process up to the answer. */
  readonly cpuMs: number;
  /** From the start of the process to the answer. */
  readonly totalMs: number;
}

/** The bundles as `npm run bundle` makes them, in a folder of their own. */
export interface Bundles {
  /** What the script printed. */
  readonly sizes: string;
  /** The files of a function. */
  files(name: string): Promise<readonly string[]>;
  /** Puts another function beside them. */
  add(name: string, source: string): Promise<void>;
  /** Calls the function in a process of its own, as the first call after a cold start. */
  call(name: string, event: unknown, environment?: Readonly<Record<string, string>>): Promise<FunctionCall>;
  dispose(): Promise<void>;
}

export async function makeBundles(): Promise<Bundles> {
  const folder = await mkdtemp(join(tmpdir(), "ferrygate-bundles-"));
  const sizes = await run([join(root, "scripts/bundle.mjs"), folder], "", {});
  return {
    sizes,
    files: (name) => readdir(join(folder, "lambdas", name)),
    add: async (name, source) => {
      await mkdir(join(folder, "lambdas", name));
      await writeFile(join(folder, "lambdas", name, "index.mjs"), source);
    },
    call: async (name, event, environment = {}) => {
      const file = join(folder, "lambdas", name, "index.mjs");
      const startMs = performance.now();
      const output = await run(
        [join(root, "test/lambdas/call-function.mjs"), file],
        JSON.stringify(event),
        environment,
      );
      const totalMs = performance.now() - startMs;
      return { ...JSON.parse(output.trimEnd().split("\n").at(-1) ?? ""), totalMs };
    },
    dispose: () => rm(folder, { recursive: true }),
  };
}

/** The variables by which the SDK finds the services, as far as this process has them. */
function servicesOf(environment: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith("AWS_")));
}

function run(args: readonly string[], input: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const env = { ...servicesOf(process.env), ...environment };
  const child = spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(output) : reject(new Error(`ended with ${code}: ${output}`))));
  });
}
