import { spawn } from "node:child_process";

export interface ProgramResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The program is ended after this long, so that a client that waits for ever fails its test. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end and answers what it said. Never rejects for an exit code. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: "C.UTF-8", ...options.env },
      timeout: options.timeoutMs ?? 180_000,
      killSignal: "SIGKILL",
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.once("error", reject);
    child.once("close", (exitCode) =>
      resolve({ exitCode, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    );
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}

/** As {@link runProgram}; rejects with everything the program said when it does not exit with 0. */
export async function mustRun(command: string, args: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await runProgram(command, args, options);
  if (exitCode !== 0) throw new Error(`${command} exited with ${exitCode}\n${stdout}\n${stderr}`);
  return stdout;
}
