import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface TargetGroup {
  readonly weight: number;
  /** May change at any time: it counts for new connections only. */
  readonly targets: readonly Target[];
}

export interface BalancedListener {
  /** 0 lets the system choose. */
  readonly port: number;
  /** Asked for every connection. */
  readonly groups: () => readonly TargetGroup[];
  /**
   * `client-address`: the target sees the client's address. `proxy-header`: it sees the load balancer's, and a PROXY
   * header in front of the client's first bytes.
   */
  readonly preserve: "client-address" | "proxy-header";
}

export interface LoadBalancer {
  readonly ports: readonly number[];
  /** How many connections each target was given, by `host:port`. */
  readonly counts: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/**
 * Does what a Network Load Balancer does to connections: a group by its weight and a target of it by chance, for every
 * connection anew; established connections go on when their target is deregistered.
 */
export async function startLoadBalancer(listeners: readonly BalancedListener[]): Promise<LoadBalancer> {
  const counts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const servers = listeners.map((listener) =>
    createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) => {
      const target = chosenTarget(listener.groups());
      if (!target) {
        client.resetAndDestroy();
        return;
      }
      const name = `${target.host}:${target.port}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      for (const socket of [client, forward(client, target, listener)]) {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
      }
    }),
  );
  const ports = await Promise.all(servers.map((server, index) => listenOn(server, listeners[index]?.port ?? 0)));
  return {
    ports,
    counts,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** The header of version 2 as the load balancer writes it, with the extension that names a VPC endpoint. */
export function proxyHeader(source: Target, destination: Target): Buffer {
  const addresses = Buffer.from([...source.host.split("."), ...destination.host.split(".")].map(Number));
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  const endpoint = Buffer.from("ea000701767063652d31", "hex");
  const content = Buffer.concat([addresses, ports, endpoint]);
  return Buffer.concat([Buffer.from(`0d0a0d0a000d0a515549540a2111${hex16(content.length)}`, "hex"), content]);
}

/** What a health check sends: a header without addresses. */
export const localHeader = Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex");

function hex16(value: number): string {
  return value.toString(16).padStart(4, "0");
}

async function listenOn(server: Server, port: number): Promise<number> {
  await once(server.listen(port, "127.0.0.1"), "listening");
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

function chosenTarget(groups: readonly TargetGroup[]): Target | undefined {
  const total = groups.reduce((sum, { weight }) => sum + weight, 0);
  let place = Math.random() * total;
  const group = groups.find(({ weight }) => {
    place -= weight;
    return place < 0;
  });
  return group?.targets[Math.floor(Math.random() * group.targets.length)];
}

function forward(client: Socket, target: Target, { preserve, port }: BalancedListener): Socket {
  const source = { host: client.remoteAddress ?? "", port: client.remotePort ?? 0 };
  const localAddress = preserve === "client-address" ? source.host : undefined;
  const server = connect({ ...target, localAddress, allowHalfOpen: true, noDelay: true });
  server.on("error", () => {});
  client.on("error", () => {});
  server.pipe(client);
  if (preserve === "client-address") client.pipe(server);
  else sendHeaderFirst(client, server, proxyHeader(source, { host: "127.0.0.1", port: client.localPort ?? port }));
  couple(client, server);
  couple(server, client);
  return server;
}

/** The header waits for the client's first bytes; a client that only listens is never announced. */
function sendHeaderFirst(client: Socket, server: Socket, header: Buffer): void {
  client.once("data", (chunk) => {
    client.pause();
    client.unshift(Buffer.concat([header, chunk]));
    client.pipe(server);
  });
  client.resume();
}

function couple(from: Socket, to: Socket): void {
  from.once("close", (hadError: boolean) => {
    if (hadError || !from.readableEnded || !from.writableFinished) to.destroy();
  });
}
