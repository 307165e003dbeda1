import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Clock ticks a second of /proc/PID/stat; Linux fixes it at 100 for user space. */
const ticksPerSecond = 100;

/** CPU seconds, user and system, of a process and of all children that it has waited for. */
export function cpuSecondsOf(pid: number): number {
  return (
    statOf(pid)
      .slice(11, 15)
      .reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond
  );
}

/** A child's time counts for its parent only when the parent has waited for it, which is after its client has left. */
export async function untilWithoutChildren(pid: number): Promise<void> {
  while (hasChildren(pid)) await delay(5);
}

function hasChildren(pid: number): boolean {
  return readdirSync("/proc").some((name) => {
    try {
      return /^\d+$/.test(name) && statOf(Number(name))[1] === `${pid}`;
    } catch {
      return false; // It has ended since the folder was read.
    }
  });
}

/** The fields of /proc/PID/stat from the third on, the state. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** As {@link cpuSecondsOf}, for a process and all of its descendants. */
export function treeCpuSecondsOf(pid: number): number {
  for (;;) {
    try {
      return [pid, ...descendantsOf(pid)].reduce((sum, each) => sum + cpuSecondsOf(each), 0);
    } catch (error) {
      // One of them has ended while it was looked at; its time is now that of the process that waited for it.
      if (!isRunning(pid)) throw error;
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    statOf(pid);
    return true;
  } catch {
    return false;
  }
}

/** The processes below a process at this moment; none below one that has ended. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch (error) {
    if (isRunning(pid)) throw error;
    return [];
  }
}

/** Resident memory of a process in bytes. */
export function residentBytesOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) * 1024;
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
