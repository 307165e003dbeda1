/**
 * Preloaded into the processes of the tests. node:test follows every promise, to know which test an error belongs to
 * that nobody handled, and tests that make many promises spend two thirds of their time on that. Here it follows
 * everything but promises: an error in one still fails the run, at the latest as one of its file.
 */
import asyncHooks from "node:async_hooks";

const { createHook } = asyncHooks;
asyncHooks.createHook = (callbacks) => createHook({ ...callbacks, trackPromises: false });
