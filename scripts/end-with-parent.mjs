// Preloaded into a child of runInRuntime: whoever kills the launcher outright means the product, not its wrapper.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.channel?.unref();
