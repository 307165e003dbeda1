import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server of this machine that breaks. */
export interface BreakingRelay {
  readonly port: number;
  /** What clients have sent in all, whether or not it arrived. */
  readonly sentBytes: () => number;
  /** Whether it broke. */
  readonly isBroken: () => boolean;
  /** Lets connections through again, all of what they carry. */
  mend(): void;
  close(): Promise<void>;
}

export interface Breaks {
  /** Every connection ends, and none is let through, when clients have sent so much in all. */
  readonly atBytes?: number;
  /** A connection ends when its client has sent more. */
  readonly mostBytesOfConnection?: number;
}

export async function startBreakingRelay(target: { readonly port: number }, breaks: Breaks): Promise<BreakingRelay> {
  const sockets = new Set<Socket>();
  let sentBytes = 0;
  let isBroken = false;
  let { atBytes = Number.POSITIVE_INFINITY } = breaks;
  const { mostBytesOfConnection = Number.POSITIVE_INFINITY } = breaks;
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    if (isBroken) {
      client.on("error", () => {}).destroy();
      return;
    }
    const site = track(connect(target.port, "127.0.0.1"));
    track(client);
    let bytes = 0;
    client.on("data", (data) => {
      sentBytes += data.length;
      bytes += data.length;
      if (sentBytes >= atBytes) {
        isBroken = true;
        for (const socket of sockets) socket.destroy();
      } else if (bytes > mostBytesOfConnection) client.destroy();
      else if (!site.write(data)) client.pause();
    });
    site.on("drain", () => client.resume()).pipe(client);
    client.on("close", () => site.destroy());
    site.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sentBytes: () => sentBytes,
    isBroken: () => isBroken,
    mend: () => {
      isBroken = false;
      atBytes = Number.POSITIVE_INFINITY;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
