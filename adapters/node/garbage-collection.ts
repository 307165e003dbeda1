import { setFlagsFromString } from "node:v8";

/**
 * Adapts V8's garbage collection to a process that moves files. Each piece of a transfer is a buffer outside of V8's
 * heap, and by default V8 collects the whole heap for every few dozen megabytes of them, whatever the heap's size,
 * which costs more than the transfer itself. With the first flag they count together with the heap; with the second
 * the next full collection comes when both have grown to four times what the last one left.
 */
export function tuneGarbageCollection(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--heap-growing-percent=300");
}
