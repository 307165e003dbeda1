import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";
import type { RemoteDestination } from "../../core/remote-destination.ts";
import { remoteDestination } from "./remote-destination.ts";

/** A server for implicit FTPS that resets the data connection of every upload in its midst. */
export interface RefusingFtpServer {
  readonly destination: RemoteDestination;
  close(): void;
}

const replies: Readonly<Record<string, string>> = {
  USER: "331 go on",
  PASS: "230 welcome",
  FEAT: "211 nothing",
  PWD: '257 "/"',
  SIZE: "550 nothing is there",
  STOR: "150 send it",
};

/** @param finish what it does on the control connection once the data connection is reset */
export async function startRefusingFtpServer(finish: (control: Socket) => void): Promise<RefusingFtpServer> {
  const privateKey = createTlsPrivateKey();
  const cert = createSelfSignedCertificate(privateKey, ["127.0.0.1"], Date.now() - 60_000);
  const tls = { key: privateKey, cert };
  let control: Socket | undefined;
  const data = createServer((raw) => {
    const secured = new TLSSocket(raw, { ...tls, isServer: true });
    for (const socket of [raw, secured]) socket.on("error", () => {});
    secured.once("data", () => {
      raw.resetAndDestroy();
      if (control) finish(control);
    });
  });
  const dataPort = await listen(data);
  const server = createTlsServer(tls, (socket) => {
    control = socket;
    socket.on("error", () => {}).write("220 hello\r\n");
    socket.on("data", (lines: Buffer) => {
      for (const [verb] of lines.toString().matchAll(/^[A-Z]+/gm)) {
        const reply = verb === "EPSV" ? `229 here (|||${dataPort}|)` : (replies[verb] ?? "200 fine");
        socket.write(`${reply}\r\n`);
      }
    });
  });
  const fingerprint = new X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase();
  return {
    destination: remoteDestination(`ftps://127.0.0.1:${await listen(server)}/`, {
      user: "tester",
      password: "password",
      fingerprints: [fingerprint],
      isImplicit: true,
    }),
    close: () => {
      control?.destroy();
      for (const each of [server, data]) each.close();
    },
  };
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
