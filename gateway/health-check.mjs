/** The container's own check: exits 0 when the process answers. Whether it takes clients is for the load balancer. */
const port = process.env.FERRYGATE_HEALTH_PORT;
const host = process.env.FERRYGATE_LISTEN_ADDRESS || "127.0.0.1";
const answer = await fetch(`http://${host}:${port}/health`, { signal: AbortSignal.timeout(4000) });
process.exitCode = answer.ok ? 0 : 1;
