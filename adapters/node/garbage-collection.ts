import { setFlagsFromString } from "node:v8";

/**
 * Adapts V8's garbage collection to a process that moves files. Each piece of a transfer is a buffer outside of V8's
 * heap, and by default V8 collects the whole heap for every few dozen megabytes of them, whatever the heap's size,
 * which costs more than the transfer itself. With the first flag they count together with the heap; with the second
 * the next full collection comes when both have grown by so many percent of what the last one left. Pools of memory
 * that are used again count as left: a process that has large ones needs no more than their size for the rest.
 */
export function tuneGarbageCollection({ growthPercent = 300 } = {}): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
}
