import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** A range of ports of 127.0.0.1 that were free a moment ago, below those that the system hands out by itself. */
export async function freePorts(count: number): Promise<{ first: number; last: number }> {
  for (;;) {
    const first = randomInt(20_000, 30_000);
    const servers = Array.from({ length: count }, () => createServer());
    const listening = servers.map((server, index) => once(server.listen(first + index, "127.0.0.1"), "listening"));
    const results = await Promise.allSettled(listening);
    for (const server of servers) server.close();
    if (results.every(({ status }) => status === "fulfilled")) return { first, last: first + count - 1 };
  }
}
