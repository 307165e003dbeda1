import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs the script beside this file until it has printed `lineCount` lines, then kills it as a crash would. Answers
 * every line that it got out.
 */
export async function linesUntilKilled(script: string, args: readonly string[], lineCount: number): Promise<string[]> {
  const path = new URL(script, import.meta.url).pathname;
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    text += chunk;
    if (completeLines(text).length >= lineCount) child.kill("SIGKILL");
  }
  await closed;
  if (child.signalCode !== "SIGKILL") throw new Error(`${script} ended by itself: ${child.exitCode}`);
  return completeLines(text);
}

/** Without what the kill cut off. */
function completeLines(text: string): string[] {
  return text.split("\n").slice(0, -1);
}
