import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/**
 * Runs the script beside this file until it has printed `lineCount` lines, then kills it as a crash would. Answers
 * every line that it got out.
 */
export async function linesUntilKilled(script: string, args: readonly string[], lineCount: number): Promise<string[]> {
  const path = new URL(script, import.meta.url).pathname;
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === lineCount) child.kill("SIGKILL");
  }
  await closed;
  if (child.signalCode !== "SIGKILL") throw new Error(`${script} ended by itself: ${child.exitCode}`);
  return lines;
}
